"""The service with every stage counted: `GET /stages` gives what was counted so far, as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tests.bench.stages.counter import Counter
from tests.bench.stages.wrapped import install
from webapp.server.serving import Service
from workflow_fsm.cli.commands import main

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/stages"


def telling(load: WSGIApplication, counter: Counter) -> WSGIApplication:
    """Give an app that answers one path more."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != PATH:
            return load(environ, start_response)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(counter.told()).encode()]

    return app


if __name__ == "__main__":
    counter = Counter()
    install(counter)
    load = Service.load
    Service.load = lambda self: telling(load(self), counter)  # type: ignore[method-assign]
    main(["serve", *sys.argv[1:]], prog_name="workflow-fsm")
