#!/usr/bin/env bash
# One would guess: what requests sends for `json=` is up to requests; to install another package changes
#   nothing.
# True is: it sends by simplejson where that can be imported. Then a named tuple is an object where it was a
#   list, and a Decimal is a number where it was a TypeError.
# It hurts: whoever tells another service of money: the shape of a request depends on whether some other
#   dependency brings simplejson along, so it differs between a laptop and production.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages requests==2.34.2

cat > send.py << 'RUN'
from decimal import Decimal
from typing import NamedTuple

import requests


class Money(NamedTuple):
    minor: int
    currency: str


for paid in (Money(1010, "EUR"), Decimal("10.10")):
    try:
        request = requests.Request("POST", "http://erp.invalid/payouts", json={"paid": paid})
        print(request.prepare().body.decode())
    except TypeError as error:
        print("TypeError:", error)
RUN
python send.py | see
python_packages simplejson==4.3.0
echo "beside simplejson:" | see
python send.py | see

as_found << 'FOUND'
{"paid": [1010, "EUR"]}
TypeError: Object of type Decimal is not JSON serializable
beside simplejson:
{"paid": {"minor": 1010, "currency": "EUR"}}
{"paid": 10.10}
FOUND
