#!/usr/bin/env bash
# One would guess: a column declared STRING keeps text as text.
# True is: SQLite knows no STRING, so the column prefers numbers: leading zeros go, "1E5" is 100000, and an id
#   of 20 digits becomes a float that has lost its last ones. TEXT and VARCHAR(n) keep them.
# It hurts: whoever stores order ids, SKUs or tracking numbers: different orders become one, and none is found
#   again.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages pysqlite3-binary==0.5.4.post2

python - << 'RUN' | see
import pysqlite3 as sqlite3

print("SQLite", sqlite3.sqlite_version)
connection = sqlite3.connect(":memory:")
connection.execute("CREATE TABLE orders (string STRING, text TEXT)")
for id_ in ("114-3941689-8772232", "00123", "1E5", "94001118992231000011", "94001118992231000012"):
    connection.execute("INSERT INTO orders VALUES (?, ?)", (id_, id_))
for row in connection.execute("SELECT * FROM orders"):
    print(row)
RUN

as_found << 'FOUND'
SQLite 3.51.1
('114-3941689-8772232', '114-3941689-8772232')
(123, '00123')
(100000, '1E5')
(9.4001118992231e+19, '94001118992231000011')
(9.4001118992231e+19, '94001118992231000012')
FOUND
