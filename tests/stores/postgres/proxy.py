"""A proxy before a server: carries its connections, and cuts one once a statement has gone through."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep


class Proxy:
    """Stands before a server's socket; `cut_at` names the bytes behind which a connection is cut.

    `turns` counts how often a client spoke after the server had: the ways there and back; `connections` those
    that were taken.
    """

    def __init__(self, server: Path, front: Path) -> None:
        self.cut_at: bytes | None = None
        self.cuts = 0
        self.turns = 0
        self.connections = 0
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(front))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(str(self._server))
            answered = True
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    told = ready.recv(65536)
                    if not told:
                        return
                    self.turns += ready is client and answered
                    answered = ready is server
                    (server if ready is client else client).sendall(told)
                    if ready is client and self.cut_at is not None and self.cut_at in told:
                        self.cut_at = None
                        self.cuts += 1
                        sleep(0.3)  # the server does it, and its answer finds nobody
                        return


@contextmanager
def proxied(server: Path, front: Path) -> Iterator[Proxy]:
    """Carry connections for as long as a block takes."""
    proxy = Proxy(server, front)
    try:
        yield proxy
    finally:
        proxy.close()
