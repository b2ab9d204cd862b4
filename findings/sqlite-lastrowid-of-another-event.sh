#!/usr/bin/env bash
# One would guess: where INSERT … ON CONFLICT DO NOTHING met a repeat, lastrowid is None or 0; or it is the
#   row it met.
# True is: it is the number of whatever this connection inserted last, so of another event.
# It hurts: whoever hangs payouts or effects on the number of an event: those of a repeat go to somebody
#   else's claim.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages pysqlite3-binary==0.5.4.post2

python - << 'RUN' | see
import pysqlite3 as sqlite3

print("SQLite", sqlite3.sqlite_version, "by the code of Python's sqlite3")
connection = sqlite3.connect(":memory:", isolation_level=None)
connection.execute("CREATE TABLE events (number INTEGER PRIMARY KEY, id TEXT UNIQUE)")
for id_ in ("payout of c1", "payout of c2", "payout of c1"):
    cursor = connection.execute("INSERT INTO events (id) VALUES (?) ON CONFLICT (id) DO NOTHING", (id_,))
    print(f"{id_}: {cursor.rowcount} inserted, lastrowid {cursor.lastrowid}")
print("stored:", connection.execute("SELECT number, id FROM events").fetchall())
RUN

as_found << 'FOUND'
SQLite 3.51.1 by the code of Python's sqlite3
payout of c1: 1 inserted, lastrowid 1
payout of c2: 1 inserted, lastrowid 2
payout of c1: 0 inserted, lastrowid 2
stored: [(1, 'payout of c1'), (2, 'payout of c2')]
FOUND
