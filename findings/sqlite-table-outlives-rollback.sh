#!/usr/bin/env bash
# One would guess: `with connection:` of Python's sqlite3 undoes all of a migration that fails in its middle.
# True is: a transaction begins at the first INSERT, UPDATE or DELETE, so what was created before that is
#   committed at once, and what comes after it is undone: half of the migration stays, and it can't be run
#   again.
# It hurts: whoever migrates a store of claims at a deploy: the next try fails as "table already exists".
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages pysqlite3-binary==0.5.4.post2

python - << 'RUN' | see
import pysqlite3 as sqlite3

print("SQLite", sqlite3.sqlite_version, "by the code of Python's sqlite3")
connection = sqlite3.connect(":memory:")
try:
    with connection:
        connection.execute("CREATE TABLE claims (id TEXT PRIMARY KEY)")
        connection.execute("INSERT INTO claims VALUES ('c1')")
        connection.execute("CREATE TABLE payouts (id TEXT PRIMARY KEY)")
        connection.execute("INSERT INTO claims VALUES ('c1')")
except sqlite3.IntegrityError as error:
    print("the migration fails:", error)
tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
print("tables:", [name for (name,) in tables])
print("claims:", connection.execute("SELECT * FROM claims").fetchall())
RUN

as_found << 'FOUND'
SQLite 3.51.1 by the code of Python's sqlite3
the migration fails: UNIQUE constraint failed: claims.id
tables: ['claims']
claims: []
FOUND
