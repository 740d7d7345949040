"""A Python worker from its first word to its exit: says hello on file descriptor 3, loads the handler that the server names,
and serves it until the server says stop, or is gone."""

from __future__ import annotations

import faulthandler
import gc
import os
import signal
import socket
import sys
from typing import Any, Tuple

from marina_worker import debugger, logs, messages
from marina_worker.batch import Model
from marina_worker.inbox import Inbox
from marina_worker.link import Link
from marina_worker.load import Origin, failure_of, load_model, open_model
from marina_worker.runner import Runner

CHANNEL_FD = 3


def run(origin: Origin, is_parent: bool = False) -> None:
    """Never returns. Ends without waiting for threads of the handler, and without the teardown of native libraries, which
    may crash. A parent loads first, and each of its forks goes on from there as a worker."""
    code = 1
    try:
        _prepare_process()
        code = _fork_workers(origin) if is_parent else _serve(origin)
    except SystemExit as error:
        code = _exit_code_of(error)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:  # Whatever the handler has done to the streams, which the lines above may print to.
        _flush()
        os._exit(code & 0xFF)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):
            pass  # The handler has closed it, or put something else there.


def _serve(origin: Origin) -> int:
    """The exit code."""
    link = Link()
    inbox, load = _greet(socket.socket(fileno=CHANNEL_FD), link)
    handler = logs.set_up(link, load.log_level)
    model = load_model(load, origin, link, inbox)
    if model is None:
        return 1
    # What loading has made stays: collections from now on need not look at it.
    gc.collect()
    gc.freeze()
    return _run(model, load, inbox, link, handler)


def _fork_workers(origin: Origin) -> int:
    """The exit code of a parent without use, or of the worker that this process has become."""
    from marina_worker.parent import Parent, read_line
    from marina_worker.threads import set_threads

    control = socket.socket(fileno=CHANNEL_FD)
    control.set_inheritable(False)
    parent, link = Parent(control), Link()
    first = messages.load_of(read_line(control))
    handler = logs.set_up(link, first.log_level)
    try:
        model = open_model(first, origin, link)
    except Exception as error:
        if link.is_copy:
            raise
        parent.say(loadFailed=failure_of(error))
        return 1
    # A copy that the handler forked is nobody's parent.
    if link.is_copy or not parent.offer():
        return 0
    inbox, load = _greet(parent.wait(), link)
    set_threads(load.threads)
    return _run(model, load, inbox, link, handler)


def _greet(connection: socket.socket, link: Link) -> Tuple[Inbox, messages.Load]:
    """Says hello, and waits for what to load."""
    connection.set_inheritable(False)
    runtime = f"python {'.'.join(map(str, sys.version_info[:3]))}"
    hello = {"version": messages.PROTOCOL_VERSION, "pid": os.getpid(), "runtime": runtime}
    link.attach(connection, messages.message("hello", **hello))
    inbox = Inbox(connection, link)
    load = inbox.first()
    while not isinstance(load, messages.Load):  # The server compares the versions.
        load = inbox.first()
    return inbox, load


def _run(model: Model, load: messages.Load, inbox: Inbox, link: Link, handler: logs.LinkHandler) -> int:
    link.send(messages.message("loaded", credit=2 * load.batch_size))
    Runner(model, inbox, link, handler).run(load.batch_size)
    return 0


def _prepare_process() -> None:
    # The server decides when a worker ends: a Ctrl-C or a service manager's SIGTERM reaches the whole group, and jobs that
    # were accepted are to be answered first. Handlers rather than SIG_IGN, which the user's subprocesses would inherit.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    faulthandler.enable()
    debugger.await_signal()
    streams: Any = (sys.stdout, sys.stderr)
    for stream in streams:
        stream.reconfigure(line_buffering=True, errors="backslashreplace")


def _exit_code_of(error: SystemExit) -> int:
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    print(error.code, file=sys.stderr)
    return 1
