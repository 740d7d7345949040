"""One batch through a handler: rows in, one outcome for each job out. What the handler raises ends its jobs, not the worker."""

from __future__ import annotations

import logging
import time
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from marina_worker.handler import Entry
from marina_worker.messages import Failure, Job, Outcome, Reply, Timing
from marina_worker.replies import (
    INVALID_OUTPUT,
    WRONG_LENGTH,
    InvalidOutput,
    checked_reply,
    encode_body,
    raised,
)
from marina_worker.rows import row_of
from ts.context import Context, RequestProcessor

logger = logging.getLogger("ts")

Outcomes = List[Tuple[Job, Outcome]]


class Model(NamedTuple):
    """A loaded handler, and how its batches are run."""

    entry: Entry
    context: Context
    name: str
    model_dir: str
    decode: bool
    retry_items: bool


class BatchFailed(Exception):
    """The handler has failed these jobs together."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure


def run_batch(model: Model, jobs: Sequence[Job], has_streamed: Any = lambda: False) -> Tuple[Outcomes, Timing]:
    """Runs one batch. `has_streamed` tells whether a piece of an answer has left, after which nothing is tried again."""
    outcomes: Outcomes = []
    rows: List[Dict[str, Any]] = []
    ready: List[Job] = []
    for job in jobs:
        try:
            rows.append(row_of(job, model.decode, model.name))
            ready.append(job)
        except ValueError as error:
            outcomes.append((job, Failure("rejected", 400, str(error))))
        except Exception as error:
            outcomes.append((job, raised(error, model.model_dir)))
    begun = time.perf_counter_ns()
    failed: Optional[Failure] = None
    if ready:
        try:
            outcomes += zip(ready, _answers(model, ready, rows))
        except BatchFailed as error:
            failed = error.failure
    if failed is not None:
        # Out here, so that what is raised again does not carry the batch's exception as its context.
        if model.retry_items and len(ready) > 1 and not has_streamed():
            return _run_alone(model, jobs, begun)
        if failed.reason == "rejected":  # the others are logged by the server, which knows the requests
            logger.error("Prediction error: %s", failed.message)
        outcomes += [(job, failed) for job in ready]
    return outcomes, _timing(begun, len(jobs))


def _timing(begun: int, jobs: int) -> Timing:
    return Timing(0, (time.perf_counter_ns() - begun) // 1000, 0, jobs)


def _run_alone(model: Model, jobs: Sequence[Job], begun: int) -> Tuple[Outcomes, Timing]:
    """After a failure of the whole batch: each job again, so that only the one that fails alone fails."""
    outcomes = [pair for job in jobs for pair in run_batch(model, [job])[0]]
    return outcomes, _timing(begun, len(jobs))


def _answers(model: Model, jobs: Sequence[Job], rows: List[Dict[str, Any]]) -> List[Outcome]:
    processors = begin_requests(model.context, jobs)
    try:
        returned = model.entry(rows, model.context)
    except Exception as error:
        raise BatchFailed(raised(error, model.model_dir)) from None
    if not isinstance(returned, list):
        raise BatchFailed(_invalid(INVALID_OUTPUT, f"model: {model.name}, Invalid return type: {type(returned)}."))
    if len(returned) != len(jobs):
        counts = f"expect: {len(jobs)}, got: {len(returned)}."
        raise BatchFailed(_invalid(WRONG_LENGTH, f"model: {model.name}, {WRONG_LENGTH}, {counts}"))
    return [_outcome(model, processor, value) for processor, value in zip(processors, returned)]


def _invalid(text: str, logged: str) -> Failure:
    """What is logged is the original's sentence."""
    return Failure("invalid-output", 503, text, trace=logged)


def begin_requests(context: Context, jobs: Sequence[Job]) -> List[RequestProcessor]:
    """Gives the context the requests of a batch."""
    processors = [RequestProcessor(_headers_of(job)) for job in jobs]
    ids = {at: job.id for at, job in enumerate(jobs)}
    context.request_processor = processors
    context.request_ids = ids
    if context.metrics is not None:
        context.metrics.request_ids = ids
    return processors


def _headers_of(job: Job) -> Dict[str, Any]:
    """The request's headers, and beside them the type of each part, empty where it has none (context.get_all_request_header)."""
    headers: Dict[str, Any] = dict(job.headers)
    if job.operation == "describe":
        headers["describe"] = "True"
    elif job.operation == "explain":
        headers["explain"] = "True"
    for part in job.parts:
        if part.name not in headers:
            headers[part.name] = {"content-type": part.content_type or ""}
    return headers


def _outcome(model: Model, processor: RequestProcessor, value: Any) -> Outcome:
    try:
        return reply_of(processor, encode_body(value))
    except InvalidOutput as error:
        failure = Failure("invalid-output", 503, str(error))
        if model.retry_items:
            return failure
        raise BatchFailed(failure) from None


def reply_of(processor: RequestProcessor, body: Any) -> Reply:
    """The answer with the status and the headers that the handler has set. Raises InvalidOutput."""
    headers = processor.get_response_headers()
    status = processor.get_response_status_code()
    phrase = processor.get_response_status_phrase()
    if status == 200 and not headers and not phrase:
        return Reply(200, headers, body)
    return checked_reply(status, phrase, headers, body)
