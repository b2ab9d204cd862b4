#!/usr/bin/env bash
# One would guess: of a report with tabs between columns, csv.reader(delimiter="\t") and pandas give a record
#   a line.
# True is: such a report may quote nothing, and a title in it begin with a quotation mark; all up to the next
#   mark is taken for that title then, with tabs and lines. Nothing is said. With QUOTE_NONE it is read as
#   written.
# It hurts: whoever imports settlements or returns: whole rows of money are missing, and the row around them
#   has another one's amount.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages pandas==3.1.1

cat > report.tsv << 'RUN'
order	title	amount
1	Mug	10.10
2	"Best of" cups, set	5.00
3	"Large cup, 12 inch	6.00
4	Plate	7.00
5	Lamp, 15" wide	8.00
6	Spoon	9.00
RUN
python - << 'RUN' | see
import csv

import pandas

for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
    with open("report.tsv", newline="") as report:
        rows = list(csv.DictReader(report, delimiter="\t", quoting=quoting))
    print("csv:   ", [(row["order"], row["amount"]) for row in rows], "of 6 rows")
    frame = pandas.read_csv("report.tsv", sep="\t", quoting=quoting, dtype=str)
    print("pandas:", list(zip(frame["order"], frame["amount"])), "of 6 rows")
RUN

as_found << 'FOUND'
csv:    [('1', '10.10'), ('2', '5.00'), ('3', '8.00'), ('6', '9.00')] of 6 rows
pandas: [('1', '10.10'), ('2', '5.00'), ('3', '8.00'), ('6', '9.00')] of 6 rows
csv:    [('1', '10.10'), ('2', '5.00'), ('3', '6.00'), ('4', '7.00'), ('5', '8.00'), ('6', '9.00')] of 6 rows
pandas: [('1', '10.10'), ('2', '5.00'), ('3', '6.00'), ('4', '7.00'), ('5', '8.00'), ('6', '9.00')] of 6 rows
FOUND
