"""The preloaded parent: loads a model once and then forks a worker of it whenever the server asks, so that all of them share the
memory of imports and weights. docs/protocol.md, "The preloaded parent", says what travels on its descriptor 3: lines of JSON."""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
from typing import Any, Dict, NamedTuple, Set

from marina_worker.ending import end_without_server
from marina_worker.threads import running_threads


class Fork(NamedTuple):
    """What the server asks for: a worker whose three streams connect to `path`, each saying `id` and its descriptor."""

    id: int
    path: str


class Parent:
    """Forks workers and tells how they end. `wait` returns in each worker, and in the parent never."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: Set[int] = set()
        self._held = b""

    def say(self, **fields: Any) -> None:
        """One line to the server. Ends the process when there is none."""
        try:
            self._control.sendall(json.dumps(fields).encode() + b"\n")
        except OSError:
            end_without_server()

    def offer(self) -> bool:
        """Says that the model can be forked; false, having said why not, where a fork would lose threads of its handler."""
        # What loading has made stays: a collection in one of the workers would make copies of its pages.
        gc.collect()
        gc.freeze()
        threads = running_threads()
        if threads > 1:
            self.say(unsafe=f"it runs {threads} threads after loading, and a fork has only the one that forks")
            return False
        self.say(ready=True)
        return True

    def wait(self) -> socket.socket:
        """Serves the server's wishes; the new worker's connection, in that worker."""
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        while True:
            ready, _, _ = select.select([self._control, woken], [], [])
            if woken in ready:
                os.read(woken, 4096)
                self._reap()
            if self._control not in ready:
                continue
            for line in self._lines():
                fork = Fork(**json.loads(line))
                if self._fork(fork) == 0:
                    return self._become_worker(fork, (woken, wake))

    def _lines(self) -> "list[bytes]":
        *lines, self._held = (self._held + _receive(self._control)).split(b"\n")
        return lines

    def _fork(self, fork: Fork) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            pid = os.fork()
        except OSError as error:
            self.say(failed=fork.id, message=f"the parent cannot fork: {error}")
            return -1
        if pid:
            self._children.add(pid)
            self.say(forked=fork.id, pid=pid)
        return pid

    def _become_worker(self, fork: Fork, pipes: "tuple[int, int]") -> socket.socket:
        os.setsid()  # A worker leads a group of its own, which ends with it.
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._control.close()
        for pipe in pipes:
            os.close(pipe)
        for descriptor in (1, 2):
            with _connect(fork, descriptor) as stream:
                os.dup2(stream.fileno(), descriptor)
        return _connect(fork, 3)

    def _reap(self) -> None:
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._children.discard(pid)
                self.say(exited=pid, **_how_ended(status))


def _receive(control: socket.socket) -> bytes:
    """What has come, at least a byte. Ends the process without a server; each worker ends with its own connection."""
    try:
        data = control.recv(65536)
    except ConnectionError:  # It went with lines of ours unread.
        data = b""
    return data or end_without_server()


def _connect(fork: Fork, descriptor: int) -> socket.socket:
    try:
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.connect(fork.path)
        stream.sendall(f"{fork.id} {descriptor}\n".encode())
        return stream
    except OSError:
        end_without_server()


def _how_ended(status: int) -> Dict[str, Any]:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        known = number in signal.Signals.__members__.values()
        return {"signal": signal.Signals(number).name if known else f"signal {number}"}
    return {"code": os.WEXITSTATUS(status)}


def read_line(control: socket.socket) -> Dict[str, Any]:
    """The first line of the server: what to load. Nothing follows it before the parent has answered."""
    data = b""
    while not data.endswith(b"\n"):
        data += _receive(control)
    line: Dict[str, Any] = json.loads(data)
    return line
