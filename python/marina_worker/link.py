"""The way to the server: any thread may send, and what is queued leaves in one write."""

from __future__ import annotations

import os
import socket
import threading
from typing import List, Optional

from marina_worker.ending import end_without_server
from marina_worker.frames import Bytes

# One copy of so little costs less than a vectored write.
JOIN_BYTES = 64 * 1024
# The kernel takes this many pieces at once (UIO_MAXIOV).
MOST_PIECES = 1024


class Link:
    """Writes frames to the connection, once there is one. A copy of the process that the handler forked cannot: its frames
    are dropped."""

    def __init__(self) -> None:
        self._socket: Optional[socket.socket] = None
        self._lock = threading.Lock()
        self._queued: List[Bytes] = []
        self._owner = os.getpid()
        # While no batch runs: nothing would come that takes along what a thread of the handler queues.
        self.is_idle = False

    def attach(self, connection: socket.socket, hello: List[Bytes]) -> None:
        """From now on this process writes to this connection: the frame that opens the conversation, then what was queued
        before (metrics of a handler that a parent has loaded)."""
        self._socket = connection
        self._owner = os.getpid()
        self._queued[:0] = hello
        self.flush()

    @property
    def is_copy(self) -> bool:
        """True in a process that the handler forked."""
        return os.getpid() != self._owner

    @property
    def is_open(self) -> bool:
        """This process writes to the connection."""
        return self._socket is not None and not self.is_copy

    def queue(self, pieces: List[Bytes]) -> None:
        """Keeps a frame for the next `send`; there is none to wait for while idle."""
        if self.is_copy:
            return
        with self._lock:
            self._queued += pieces
        if self.is_idle:
            self.flush()

    def flush(self) -> None:
        """Writes what is queued."""
        if self._queued:
            self.send([])

    def send(self, pieces: List[Bytes]) -> None:
        """Writes what is queued and these pieces; blocks while the server does not read. Ends the process without one."""
        if self._socket is None or self.is_copy:
            return
        try:
            with self._lock:
                if self._queued:
                    pieces, self._queued = self._queued + pieces, []
                _write(self._socket, pieces)
        except OSError:
            end_without_server()


def _write(connection: socket.socket, pieces: List[Bytes]) -> None:
    if sum(map(len, pieces)) <= JOIN_BYTES:
        connection.sendall(b"".join(pieces))
        return
    views = [memoryview(piece).cast("B") for piece in pieces if len(piece)]
    while views:
        sent = connection.sendmsg(views[:MOST_PIECES])
        while views and sent >= len(views[0]):
            sent -= len(views.pop(0))
        if sent:
            views[0] = views[0][sent:]
