"""A process of some version that fires events at a store until its input ends, or the store refuses it.

`python load.py FOLDER URL NAME`: FOLDER is where that version's package lies. Prints a line of JSON for each
event that was acknowledged, and one that says why it stopped. What transitions owe, it does beside.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

THREADS = 3
PAUSE_SECONDS = 0.005
"""After each event: more of them would test no more, and keep the machine from the versions beside."""
REFUSALS = 20
"""So often in turn a thread is told to come again before it gives up: a version that knows no other word."""


def main(folder: str, url: str, name: str) -> None:
    """Fire until the input ends."""
    sys.path.insert(0, folder)
    from workflow_fsm import Settings, StoreRefused, StoreUnavailable, Workflow

    ended, printing = threading.Event(), threading.Lock()

    def tell(**what: Any) -> None:
        with printing:
            sys.stdout.write(f"{json.dumps(what)}\n")
            sys.stdout.flush()

    def fire(workflow: Any, thread: int) -> None:
        number = refusals = 0
        while not ended.is_set():
            told = {"user_id": f"{name}-{thread}-{number % 3}", "event_id": f"e{number}"}
            try:
                workflow.fire("sync_complete", sync_id=f"s{number}", **told)
            except StoreUnavailable as error:
                refusals += 1
                if refusals == REFUSALS:
                    tell(stopped=str(error), kind="unavailable")
                    return
                ended.wait(0.05)
            except StoreRefused as error:
                tell(stopped=str(error), kind="refused")
                return
            else:
                refusals = 0
                number += 1
                tell(acknowledged=told)
                ended.wait(PAUSE_SECONDS)

    def end() -> None:
        sys.stdin.read()
        ended.set()

    with Workflow.open(url, settings=Settings()) as workflow:
        workflow.on_transition(target="synced", name="noted")(lambda transition: None)
        worker = workflow.worker(threads=1)
        worker.start()
        threads = [threading.Thread(target=fire, args=(workflow, number)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        threading.Thread(target=end, daemon=True).start()
        for thread in threads:
            thread.join()
        worker.stop()
    tell(ended=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
