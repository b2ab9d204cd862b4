#!/usr/bin/env bash
# One would guess: INSERT OR IGNORE skips what is there already, and fails where a row breaks another rule.
# True is: it skips rows without a required value, and those that a CHECK refuses, just as silently. ON
#   CONFLICT DO NOTHING skips repeats alone.
# It hurts: whoever takes "nothing inserted" for "a repeat" and answers 200: a new payout that was read
#   wrongly is lost.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages pysqlite3-binary==0.5.4.post2

python - << 'RUN' | see
import pysqlite3 as sqlite3

print("SQLite", sqlite3.sqlite_version)
for insert in (
    "INSERT OR IGNORE INTO payouts VALUES (?, ?, ?)",
    "INSERT INTO payouts VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
):
    print(insert)
    connection = sqlite3.connect(":memory:")
    columns = "id TEXT PRIMARY KEY, claim TEXT NOT NULL, minor INTEGER CHECK (minor > 0)"
    connection.execute(f"CREATE TABLE payouts ({columns})")
    for what, row in (
        ("new", ("p1", "c1", 1010)),
        ("a repeat", ("p1", "c1", 1010)),
        ("new, without its claim", ("p2", None, 500)),
        ("new, of nothing", ("p3", "c3", 0)),
    ):
        try:
            print(f"  {what}: {connection.execute(insert, row).rowcount} inserted")
        except sqlite3.IntegrityError as error:
            print(f"  {what}: {error}")
RUN

as_found << 'FOUND'
SQLite 3.51.1
INSERT OR IGNORE INTO payouts VALUES (?, ?, ?)
  new: 1 inserted
  a repeat: 0 inserted
  new, without its claim: 0 inserted
  new, of nothing: 0 inserted
INSERT INTO payouts VALUES (?, ?, ?) ON CONFLICT DO NOTHING
  new: 1 inserted
  a repeat: 0 inserted
  new, without its claim: NOT NULL constraint failed: payouts.claim
  new, of nothing: CHECK constraint failed: minor > 0
FOUND
