#!/usr/bin/env bash
# One would guess: request.get_data() of Flask gives the body that a signature is over, whenever it is asked.
# True is: once request.form was looked at, it gives nothing: the form was read from the stream. The other way
#   round both work.
# It hurts: whoever verifies notifications of payments that come as forms: any hook, log or extension that
#   looks at the form first makes every good signature a bad one.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages flask==3.1.3

python - << 'RUN' | see
from flask import Flask, request

app = Flask("receiver")


@app.post("/form-first")
def form_first():
    return {"payment": request.form["payment"], "body": request.get_data(as_text=True)}


@app.post("/body-first")
def body_first():
    return {"body": request.get_data(as_text=True), "payment": request.form["payment"]}


for path in ("/body-first", "/form-first"):
    answer = app.test_client().post(path, data={"payment": "p1", "gross": "10.10"}).get_json()
    print(f"{path}: payment {answer['payment']!r}, body {answer['body']!r}")
RUN

as_found << 'FOUND'
/body-first: payment 'p1', body 'payment=p1&gross=10.10'
/form-first: payment 'p1', body ''
FOUND
