#!/usr/bin/env bash
# One would guess: in autocommit mode a row that UPDATE … RETURNING gave is taken, for everybody, when it is
#   seen.
# True is: nothing is committed before the last row is fetched; until then others see the old rows and can't
#   write, while `in_transaction` of the connection says False.
# It hurts: workers that lease effects in such a loop and act in its body: one that is killed after its first
#   e-mail has leased nothing, so the e-mail goes out again.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages pysqlite3-binary==0.5.4.post2

python - << 'RUN' | see
import pysqlite3 as sqlite3

print("SQLite", sqlite3.sqlite_version, "by the code of Python's sqlite3")
worker = sqlite3.connect("store", isolation_level=None)
other = sqlite3.connect("store", isolation_level=None, timeout=0)
worker.execute("CREATE TABLE effects (id INTEGER PRIMARY KEY, status TEXT)")
worker.executemany("INSERT INTO effects (status) VALUES (?)", [("owed",)] * 3)
for (id_,) in worker.execute("UPDATE effects SET status = 'taken' WHERE status = 'owed' RETURNING id"):
    (status,) = other.execute("SELECT status FROM effects WHERE id = ?", (id_,)).fetchone()
    try:
        other.execute("INSERT INTO effects (status) VALUES ('owed')")
        writes = "can write"
    except sqlite3.OperationalError as error:
        writes = f"can't write ({error})"
    print(f"given {id_}: in_transaction {worker.in_transaction}; another sees it {status}, and {writes}")
RUN

as_found << 'FOUND'
SQLite 3.51.1 by the code of Python's sqlite3
given 1: in_transaction False; another sees it owed, and can't write (database is locked)
given 2: in_transaction False; another sees it owed, and can't write (database is locked)
given 3: in_transaction False; another sees it taken, and can write
FOUND
