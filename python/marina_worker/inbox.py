"""Jobs that have arrived and not started, and how the connection is read: by the main thread while no handler runs, and
by a second thread while one takes long.

A thread that always read would hand each request to the main thread, which costs a lone request two switches (25 µs
measured). So the second thread steps in only when a batch has lasted PATIENCE_S; it sleeps through everything quicker.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import threading
import traceback
from typing import Callable, List, Optional, Set

from marina_worker import messages
from marina_worker.ending import end_without_server
from marina_worker.frames import BrokenFrame, FrameReader
from marina_worker.link import Link
from marina_worker.messages import Job

PATIENCE_S = 0.002


class Inbox:
    """What the server has sent. The main thread calls everything here but `_watch`."""

    def __init__(self, connection: socket.socket, link: Link) -> None:
        self._socket = connection
        self._reader = FrameReader(connection)
        self._link = link
        self._lock = threading.Lock()  # guards the fields up to the blank line
        self._waiting: List[Job] = []
        self._cancelled: Set[int] = set()
        self.stopping = False

        self._role = threading.Lock()  # held by the thread that may read
        self._role.acquire()
        self._woken, self._wake = os.pipe()
        self._gate = threading.Event()  # the second thread sleeps at it while no batches run
        self._busy = False
        self._batches = 0
        threading.Thread(target=self._watch, name="marina-reader", daemon=True).start()

    def first(self) -> messages.DownMessage:
        """The next message, for the conversation before there are jobs."""
        message = self._read(True)
        assert message is not None
        return message

    def receive(self, wait: bool) -> None:
        """Takes what has arrived; with `wait`, waits until something has."""
        message = self._read(wait)
        while message is not None:
            self._take(message)
            message = self._read(False)

    def next_batch(self, most: int) -> List[Job]:
        """At most so many jobs, oldest first, that run from now on; a describe alone."""
        with self._lock:
            batch = self._waiting[:most]
            alone = next((at for at, job in enumerate(batch) if job.operation == "describe"), None)
            if alone is not None:
                batch = batch[: max(1, alone)]
            del self._waiting[: len(batch)]
            self._cancelled &= {job.key for job in batch}
        return batch

    def count(self) -> int:
        """How many jobs have arrived and not started."""
        return len(self._waiting)

    def is_cancelled(self, key: int) -> bool:
        """Nobody waits for this running job any more."""
        return key in self._cancelled

    def while_busy(self, work: Callable[[], None]) -> None:
        """Does work that may take long; the connection is read meanwhile. A copy of the process that the handler forked, and
        that comes back from the work, ends here: it has no second thread, and what it would read is the original's."""
        self._batches += 1
        self._busy = True
        self._role.release()
        if not self._gate.is_set():
            self._gate.set()
        try:
            work()
        finally:
            self._busy = False
            if not self._link.is_copy and not self._role.acquire(blocking=False):
                os.write(self._wake, b"!")
                self._role.acquire()
        if self._link.is_copy:
            raise SystemExit(0)

    def _read(self, wait: bool) -> Optional[messages.DownMessage]:
        """Ends the process with the connection, or when it makes no sense: it is the only one that would know."""
        try:
            return messages.read(self._reader, wait)
        except (EOFError, ConnectionError):
            end_without_server()
        except BrokenFrame as error:
            sys.stderr.write(f"A frame from the server is damaged: {error}\n")
            sys.stderr.flush()
            os._exit(1)

    def _take(self, message: messages.DownMessage) -> None:
        if isinstance(message, messages.Jobs):
            with self._lock:
                self._waiting += message.jobs
        elif isinstance(message, messages.Cancel):
            self._hand_back(set(message.keys))
        elif isinstance(message, messages.Stop):
            self.stopping = True
            self._hand_back({job.key for job in self._waiting})

    def _hand_back(self, keys: Set[int]) -> None:
        with self._lock:
            # Jobs that were announced have started on arrival: they are answered.
            back = [job.key for job in self._waiting if job.key in keys and not job.announced]
            self._waiting = [job for job in self._waiting if job.key not in back]
            self._cancelled |= keys.difference(back)
        if back:
            self._link.send(messages.message("cancelled", keys=back))

    def _watch(self) -> None:
        """The second thread: looks every PATIENCE_S whether the batch of before still runs, and sleeps when none did."""
        try:
            while True:
                seen = self._batches
                select.select([], [], [], PATIENCE_S)
                if self._batches != seen:
                    continue
                if self._busy:
                    if self._role.acquire(blocking=False):
                        self._read_until_woken()
                    continue
                self._gate.clear()
                # A batch that began before the gate was closed has not opened it.
                if self._batches == seen:
                    self._gate.wait()
        except BaseException:  # Without this thread the main one would wait for ever.
            traceback.print_exc()
            os._exit(1)

    def _read_until_woken(self) -> None:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll()}
            if self._socket.fileno() in ready:
                self.receive(wait=False)
            if self._woken in ready:
                os.read(self._woken, 1)
                self._role.release()
                return
