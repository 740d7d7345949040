"""The work of a Python worker: forms a batch whenever it is free, from what has arrived, and answers each job on its own."""

from __future__ import annotations

import time
from typing import List, Sequence

from marina_worker import messages
from marina_worker.batch import Model, Outcomes, run_batch
from marina_worker.credit import Credit
from marina_worker.frames import Bytes
from marina_worker.inbox import Inbox
from marina_worker.link import Link
from marina_worker.logs import LinkHandler
from marina_worker.messages import Failure, Job, Timing
from marina_worker.streams import Streams


# How long batches may follow each other without a look at what has arrived; answers of one that takes longer leave at once.
SLICE_S = 0.0005


class Runner:
    """Runs the jobs of one worker, until the server says stop."""

    def __init__(self, model: Model, inbox: Inbox, link: Link, logs: LinkHandler) -> None:
        self._model = model
        self._inbox = inbox
        self._link = link
        self._logs = logs
        self._streams = Streams(link, model.context, inbox.is_cancelled)
        model.context.cl_socket = self._streams

    def run(self, batch_size: int) -> None:
        """Returns when all that has started is answered. SystemExit of the handler comes through."""
        credit = Credit(batch_size)
        looked = 0.0
        while True:
            jobs = self._inbox.next_batch(batch_size)
            if not jobs:
                self._link.is_idle = True  # Before the flush, so that nothing is queued between the two and stays.
                self._link.flush()
                if self._inbox.stopping:
                    return
                self._inbox.receive(wait=True)
                self._link.is_idle = False
                looked = time.perf_counter()
                continue
            begun = time.perf_counter()
            self._inbox.while_busy(lambda: self._work(jobs))
            ended = time.perf_counter()
            if credit.took(ended - begun):
                self._link.queue(messages.message("credit", credit=credit.jobs))
            # A whole batch that waits already follows at once; its start leaves in one write with these answers.
            waiting = self._inbox.count()
            if waiting >= batch_size and ended - looked < SLICE_S:
                continue
            if waiting == 0:
                self._link.flush()
            else:
                self._inbox.receive(wait=False)
                looked = ended

    def _work(self, jobs: Sequence[Job]) -> None:
        unannounced = [job.key for job in jobs if not job.announced]
        if unannounced:
            self._link.send(messages.message("started", keys=unannounced))
        else:
            self._link.flush()
        self._logs.request_id = jobs[0].id if len(jobs) == 1 else None
        self._streams.begin(jobs)
        outcomes, timing = run_batch(self._model, jobs, self._streams.has_begun)
        self._logs.request_id = None
        self._answer(outcomes, timing)
        # What the second thread reads may arrive slowly, and it is waited for.
        if timing.inference_us >= 1_000_000 * SLICE_S:
            self._link.flush()

    def _answer(self, outcomes: Outcomes, timing: Timing) -> None:
        pieces: List[Bytes] = []
        for job, outcome in outcomes:
            pieces += self._result(job, self._streams.end(job, outcome), timing)
        self._link.queue(pieces)

    def _result(self, job: Job, outcome: messages.Outcome, timing: Timing) -> List[Bytes]:
        try:
            return messages.result(job.key, outcome, timing)
        except ValueError as error:  # An answer that no frame can hold; the job must end all the same.
            failure = Failure("invalid-output", 503, f"The handler's answer cannot be sent: {error}")
            return messages.result(job.key, failure, timing)
