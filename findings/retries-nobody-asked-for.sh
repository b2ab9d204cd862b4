#!/usr/bin/env bash
# One would guess: urllib3's Retry retries those answers that status_forcelist names, here none; backoff_max
#   bounds each pause.
# True is: 413, 429 and 503 are retried all the same where the answer has a Retry-After, and that is waited
#   for in full.
# It hurts: whoever has retries of his own above it, or a lease that ends meanwhile: a thread of the outbox
#   sleeps inside of one call, and the call is made by two workers.
set -euo pipefail
. "$(dirname "$0")/shared/finding.sh"

python_packages requests==2.34.2 urllib3==2.8.0

python - << 'RUN' | see
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry


class Busy(BaseHTTPRequestHandler):
    asked = []

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append(time.monotonic())
        self.send_response(int(self.path[1:]) if len(self.asked) == 1 else 200)
        if self.headers["Asks-For"]:
            self.send_header("Retry-After", self.headers["Asks-For"])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Busy)
threading.Thread(target=server.serve_forever, daemon=True).start()
retry = Retry(total=2, status_forcelist=(), allowed_methods=None, backoff_factor=0.1, backoff_max=0.5)
with requests.Session() as session:
    session.mount("http://", HTTPAdapter(max_retries=retry))
    for status, pause in ((503, None), (503, "3"), (429, "3"), (500, "3")):
        Busy.asked.clear()
        url = f"http://127.0.0.1:{server.server_port}/{status}"
        answer = session.post(url, json={"claim": "c1"}, headers={"Asks-For": pause})
        waited = "3 s or more" if Busy.asked[-1] - Busy.asked[0] >= 3 else "nothing"
        asks = f"Retry-After: {pause}" if pause else "no Retry-After"
        posted = f"posted {len(Busy.asked)} times, waited {waited}"
        print(f"{status}, {asks}: {posted}, {answer.status_code} in the end")
server.shutdown()
RUN

as_found << 'FOUND'
503, no Retry-After: posted 1 times, waited nothing, 503 in the end
503, Retry-After: 3: posted 2 times, waited 3 s or more, 200 in the end
429, Retry-After: 3: posted 2 times, waited 3 s or more, 200 in the end
500, Retry-After: 3: posted 1 times, waited nothing, 500 in the end
FOUND
