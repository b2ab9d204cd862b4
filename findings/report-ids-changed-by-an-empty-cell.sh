#!/usr/bin/env bash
# One would guess: to pandas, order ids of 17 digits are whole numbers in every row, or in none.
# True is: they are, until one row has none, as a fee of the whole account has. Then the column is of floats,
#   and every other id in it has lost its last digits.
# It hurts: whoever matches payouts to claims by such ids: on the day that one fee is in the report no id is
#   found, or a neighbour's is.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages pandas==3.1.1

python - << 'RUN' | see
import io

import pandas

for last in ("57646075230342345,3.00", ",-39.99"):
    report = "order,amount\n57646075230342347,10.10\n57646075230342349,5.00\n" + last + "\n"
    orders = pandas.read_csv(io.StringIO(report))["order"]
    print(f"{last}: {orders.dtype}, {[int(order) for order in orders.dropna()]}")
    orders = pandas.read_csv(io.StringIO(report), dtype={"order": "Int64"})["order"]
    print(f"{last}, asked for Int64: {[int(order) for order in orders.dropna()]}")
RUN

as_found << 'FOUND'
57646075230342345,3.00: int64, [57646075230342347, 57646075230342349, 57646075230342345]
57646075230342345,3.00, asked for Int64: [57646075230342347, 57646075230342349, 57646075230342345]
,-39.99: float64, [57646075230342344, 57646075230342352]
,-39.99, asked for Int64: [57646075230342347, 57646075230342349]
FOUND
