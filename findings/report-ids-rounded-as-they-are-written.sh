#!/usr/bin/env bash
# One would guess: openpyxl writes an int of Python with all its digits; it is the spreadsheet that may show
#   fewer.
# True is: it writes 16 of them, of a float, so two ids of 17 digits can be one in the file, and neither of
#   them. As text they stay.
# It hurts: whoever hands claims to accountants as a workbook, and reads back what they have marked in it.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages openpyxl==3.1.5

python - << 'RUN' | see
from openpyxl import Workbook, load_workbook

IDS = [1234567890123456, 57646075230342341, 57646075230342343]
book = Workbook()
for id_ in IDS:
    book.active.append([id_, str(id_)])
book.save("claims.xlsx")
for id_, row in zip(IDS, load_workbook("claims.xlsx").active.values):
    print(f"{id_}: as a number {int(row[0])}, as text {row[1]}")
RUN

as_found << 'FOUND'
1234567890123456: as a number 1234567890123456, as text 1234567890123456
57646075230342341: as a number 57646075230342336, as text 57646075230342341
57646075230342343: as a number 57646075230342336, as text 57646075230342343
FOUND
