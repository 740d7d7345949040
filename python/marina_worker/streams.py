"""Pieces of answers on their way while the handler runs: what `send_intermediate_predict_response` stands on."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Sequence, Set

from marina_worker import messages
from marina_worker.batch import reply_of
from marina_worker.link import Link
from marina_worker.messages import Job, Outcome, Reply
from marina_worker.replies import encode_body
from ts.context import Context


class Streams:
    """The streams of the batch in hand. A handler finds it as `context.cl_socket`."""

    def __init__(self, link: Link, context: Context, is_cancelled: Callable[[int], bool]) -> None:
        self._link = link
        self._context = context
        self._is_cancelled = is_cancelled
        self._rows: Dict[str, int] = {}
        self._keys: Sequence[int] = ()
        self._begun: Set[int] = set()

    def begin(self, jobs: Sequence[Job]) -> None:
        """The jobs of a new batch; none of them has streamed."""
        self._rows = {job.id: at for at, job in enumerate(jobs)}
        self._keys = [job.key for job in jobs]
        self._begun.clear()

    def has_begun(self) -> bool:
        """A piece of an answer of this batch has left."""
        return bool(self._begun)

    def send_pieces(self, pieces: List[Any], request_ids: Dict[int, str]) -> None:
        """One piece for each request, in the order of `request_ids`; blocks while the server does not read. Raises
        InvalidOutput for a value that no answer can be."""
        for piece, request_id in zip(pieces, request_ids.values()):
            row = self._rows.get(request_id)
            if row is None or self._is_cancelled(self._keys[row]):
                continue
            self._send(row, encode_body(piece))

    def end(self, job: Job, outcome: Outcome) -> Outcome:
        """How a job ends: of a streamed answer the last piece leaves here, and the end has no body."""
        if job.key not in self._begun or not isinstance(outcome, Reply):
            return outcome
        if len(outcome.body):
            self._link.queue(messages.chunk(job.key, None, outcome.body))
        return outcome._replace(body=b"")

    def _send(self, row: int, data: Any) -> None:
        key = self._keys[row]
        head = None
        if key not in self._begun:
            processors = self._context.request_processor or []
            head = reply_of(processors[row], b"")
            self._begun.add(key)
        self._link.send(messages.chunk(key, head, data))
