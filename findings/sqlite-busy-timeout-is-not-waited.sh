#!/usr/bin/env bash
# One would guess: with a timeout of 20 seconds a writer waits up to 20 seconds for its turn.
# True is: in WAL mode a transaction that began by reading is refused at once if anybody has committed since;
#   no waiting helps it, and no setting. Only BEGIN IMMEDIATE waits.
# It hurts: whoever reads a claim, decides and writes, in one transaction: under load it fails as "database is
#   locked" within a millisecond, and raising the timeout changes nothing.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages pysqlite3-binary==0.5.4.post2

python - << 'RUN' | see
import time

import pysqlite3 as sqlite3

print("SQLite", sqlite3.sqlite_version)
one, other = (sqlite3.connect("store", isolation_level=None, timeout=20) for _ in range(2))
one.execute("PRAGMA journal_mode = WAL")
one.execute("CREATE TABLE claims (id TEXT, state TEXT)")
one.execute("INSERT INTO claims VALUES ('c1', 'submitted')")
for begin in ("BEGIN", "BEGIN IMMEDIATE"):
    one.execute(begin)
    one.execute("SELECT * FROM claims").fetchall()
    if begin == "BEGIN":
        other.execute("INSERT INTO claims VALUES ('c2', 'submitted')")
    began = time.monotonic()
    try:
        one.execute("UPDATE claims SET state = 'paid' WHERE id = 'c1'")
        print(f"{begin}: written")
    except sqlite3.OperationalError as error:
        waited = "at once" if time.monotonic() - began < 5 else "after waiting"
        print(f"{begin}: {error}, {waited}")
    one.execute("ROLLBACK")
RUN

as_found << 'FOUND'
SQLite 3.51.1
BEGIN: database is locked, at once
BEGIN IMMEDIATE: written
FOUND
