"""Log records of user code and of this worker, as messages to the server: with their level, and with the id of the request
that they belong to while there is only one."""

from __future__ import annotations

import logging
from typing import Optional

from marina_worker import messages
from marina_worker.link import Link


class LinkHandler(logging.Handler):
    """Sends each record; in a process that the handler forked it prints the record, which the server logs line by line."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link
        self.request_id: Optional[str] = None
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            # The server reads metrics off stdout, wherever they come from (the older metrics API logs them).
            if not self._link.is_open or text.startswith("[METRICS]"):
                print(text, flush=True)
                return
            self._link.send(messages.message("log", level=_level(record), message=text, id=self.request_id))
        except Exception:
            self.handleError(record)


def _level(record: logging.LogRecord) -> str:
    if record.levelno >= logging.ERROR:
        return "error"
    if record.levelno >= logging.WARNING:
        return "warn"
    return "info" if record.levelno >= logging.INFO else "debug"


_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}


def set_up(link: Link, level: str) -> LinkHandler:
    """Configures the root logger before user code can, as TorchServe does: a handler's own `basicConfig` changes nothing."""
    handler = LinkHandler(link)
    logging.basicConfig(level=_LEVELS[level], handlers=[handler])
    return handler
