#!/usr/bin/env bash
# One would guess: instants that Python writes by isoformat() and SQLite's datetime() compare as time does,
#   both being ISO 8601 in UTC.
# True is: SQLite writes a space where Python writes a T. They are compared as text, so nothing of a day is
#   due before that day is over.
# It hurts: whoever asks for timers or leases by `due_at <= datetime('now')`: all of them are late, by up to a
#   day, and a test that looks a day later sees nothing.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages pysqlite3-binary==0.5.4.post2

python - << 'RUN' | see
from datetime import datetime, timedelta, timezone

import pysqlite3 as sqlite3

print("SQLite", sqlite3.sqlite_version)
connection = sqlite3.connect(":memory:")
due = datetime(2026, 3, 1, 9, tzinfo=timezone.utc)
print("due at", due.isoformat())
for hours in (1, 14, 15.1):
    now = (due + timedelta(hours=hours)).timestamp()
    sql = "SELECT datetime(:now, 'unixepoch'), :due <= datetime(:now, 'unixepoch')"
    shown, is_due = connection.execute(sql, {"now": now, "due": due.isoformat()}).fetchone()
    print(f"at {shown}: {'due' if is_due else 'not yet'}")
RUN

as_found << 'FOUND'
SQLite 3.51.1
due at 2026-03-01T09:00:00+00:00
at 2026-03-01 10:00:00: not yet
at 2026-03-01 23:00:00: not yet
at 2026-03-02 00:06:00: due
FOUND
