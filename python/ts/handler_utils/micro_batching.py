"""Runs a batch through a handler's stages in small slices, several stages at once."""

from __future__ import annotations

import os
import queue
import threading
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional

STAGES = ("preprocess", "inference", "postprocess")
HANDLER_METHODS = list(STAGES)


class _Slice(NamedTuple):
    at: int
    value: Any
    error: Optional[BaseException]


class _Lane(NamedTuple):
    """Where the threads of one stage take slices from and put them to, and where they say that they have ended."""

    source: "queue.Queue[Any]"
    target: "queue.Queue[Any]"
    ended: "queue.Queue[Any]"


class WorkerThread:
    """A thread that takes slices from one queue, runs a stage, and puts them into the next, until it takes None."""

    def __init__(self, work: Callable[[_Slice], _Slice], lane: "_Lane") -> None:
        self._work, self._lane = work, lane
        self.thread = threading.Thread(target=self._run, name="marina-micro-batch", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while True:
            taken = self._lane.source.get()
            if taken is None:
                self._lane.ended.put(self)
                return
            self._lane.target.put(self._work(taken))


class MicroBatching:
    """In the place of a handler's `handle`: `self.handle = MicroBatching(self, micro_batch_size=4)`. The stages run in threads
    of their own, `parallelism` of each, so they must not mind that."""

    def __init__(
        self, parent_handler: Any, micro_batch_size: int = 1, parallelism: Optional[Dict[str, int]] = None
    ) -> None:
        self.handler = parent_handler
        self.micro_batch_size = micro_batch_size
        self._parallelism: Dict[str, int] = dict(parallelism or {})
        self.thread_groups: Dict[str, List[WorkerThread]] = {stage: [] for stage in STAGES}
        queues: List["queue.Queue[Any]"] = [queue.Queue() for _ in range(len(STAGES) + 1)]
        lanes = zip(STAGES, queues, queues[1:])
        self._lanes = {stage: _Lane(source, target, queue.Queue()) for stage, source, target in lanes}
        self._local = threading.local()
        self._update_threads()

    @property
    def parallelism(self) -> Dict[str, int]:
        """Threads of each stage; those that are not named have one. What is set is merged into what was."""
        return dict(self._parallelism)

    @parallelism.setter
    def parallelism(self, parallelism: Dict[str, int]) -> None:
        assert all(stage in STAGES for stage in parallelism), f"the stages are {', '.join(STAGES)}"
        self._parallelism.update(parallelism)
        self._update_threads()

    def _update_threads(self) -> None:
        for stage in STAGES:
            wanted = self._parallelism.get(stage, 1)
            assert wanted >= 0, f"{stage} cannot run in {wanted} threads"
            threads = self.thread_groups[stage]
            while len(threads) < wanted:
                threads.append(WorkerThread(self._work_of(stage), self._lanes[stage]))
            self._stop(stage, len(threads) - wanted)

    def _stop(self, stage: str, count: int) -> None:
        """Ends as many threads of a stage, whichever are free first."""
        lane = self._lanes[stage]
        for _ in range(count):
            lane.source.put(None)
        for _ in range(count):
            ended = lane.ended.get()
            ended.thread.join()
            self.thread_groups[stage].remove(ended)

    def _work_of(self, stage: str) -> Callable[[_Slice], _Slice]:
        run = getattr(self.handler, stage)

        def work(taken: _Slice) -> _Slice:
            if taken.error is not None:
                return taken
            self._local.at = taken.at
            try:
                return taken._replace(value=run(taken.value))
            except BaseException as error:
                return taken._replace(error=error)

        return work

    def shutdown(self) -> None:
        """Ends the threads."""
        for stage, threads in self.thread_groups.items():
            self._stop(stage, len(threads))

    def get_micro_batch_idx(self) -> Optional[int]:
        """The number of the slice that this thread works on; None in other threads."""
        return getattr(self._local, "at", None)

    def handle(self, data: List[Any]) -> List[Any]:
        """The results for all rows, in their order. Raises what the first slice that failed raised, when all are done."""
        if not all(self.thread_groups.values()):
            raise RuntimeError("A stage has no thread: it was shut down, or its parallelism is 0.")
        step = self.micro_batch_size
        slices = [data[at : at + step] for at in range(0, len(data), step)]
        for at, rows in enumerate(slices):
            self._lanes[STAGES[0]].source.put(_Slice(at, rows, None))
        done = sorted((self._lanes[STAGES[-1]].target.get() for _ in slices), key=lambda each: each.at)
        for each in done:
            if each.error is not None:
                raise each.error
        return [result for each in done for result in each.value]

    def __call__(self, data: List[Any], context: Any) -> Any:
        """As BaseHandler.handle; explanations and descriptions are not cut."""
        begun = time.perf_counter()
        handler = self.handler
        handler.context = context
        if handler._is_describe():
            output: Any = [handler.describe_handle()]
        elif os.environ.get("ENABLE_TORCH_PROFILER"):
            output = handler._infer_with_profiler(data)[0]
        elif handler._is_explain():
            output = handler.explain_handle(handler.preprocess(data), data)
        else:
            output = self.handle(data)
        context.metrics.add_time("HandlerTime", round((time.perf_counter() - begun) * 1000, 2), None, "ms")
        return output
