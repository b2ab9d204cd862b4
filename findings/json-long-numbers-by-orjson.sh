#!/usr/bin/env bash
# One would guess: orjson reads a whole number as Python's json does, as an int, or says that it can't.
# True is: one of more than 64 bits becomes a float, without a word; its last digits are lost.
# It hurts: whoever changes to orjson for speed and gets tracking numbers of 22 digits as numbers: two parcels
#   have one number, and the claim for one of them is a repeat.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages orjson==3.13.0

python - << 'RUN' | see
import json

import orjson

for text in ("18446744073709551615", "9400111899223100000012", "9400111899223100000013"):
    print(f"{text}: json {json.loads(text)!r}, orjson {orjson.loads(text)!r}")
both = "[9400111899223100000012, 9400111899223100000013]"
print(f"different numbers in {both} by orjson: {len(set(orjson.loads(both)))}")
RUN

as_found << 'FOUND'
18446744073709551615: json 18446744073709551615, orjson 18446744073709551615
9400111899223100000012: json 9400111899223100000012, orjson 9.4001118992231e+21
9400111899223100000013: json 9400111899223100000013, orjson 9.4001118992231e+21
different numbers in [9400111899223100000012, 9400111899223100000013] by orjson: 1
FOUND
