"""Micro-batching (contract python-handlers §8.2)."""

import threading
import types
import unittest

from ts.handler_utils.micro_batching import MicroBatching


class Handler:
    """Notes what each stage is given, and by which thread."""

    def __init__(self):
        self.seen = []
        self.threads = {}
        self.header = None
        self.batching = None

    def _note(self, stage, rows):
        self.seen.append((stage, list(rows), self.batching and self.batching.get_micro_batch_idx()))
        self.threads.setdefault(stage, set()).add(threading.current_thread().name and threading.get_ident())

    def preprocess(self, data):
        self._note("preprocess", data)
        return [row["body"] for row in data]

    def inference(self, data):
        self._note("inference", data)
        if "bad" in data:
            raise KeyError(f"bad in {data}")
        return [value * 2 for value in data]

    def postprocess(self, data):
        self._note("postprocess", data)
        return data

    def explain_handle(self, prepared, raw):
        return [("why", prepared, len(raw))]

    def describe_handle(self):
        return {"is": "described"}

    def _is_explain(self):
        return self.header == "explain"

    def _is_describe(self):
        return self.header == "describe"


def rows(*values):
    return [{"body": value} for value in values]


class Batches(unittest.TestCase):
    def setUp(self):
        self.handler = Handler()
        self.batching = MicroBatching(self.handler, micro_batch_size=2)
        self.handler.batching = self.batching
        self.times = []
        metrics = types.SimpleNamespace(add_time=lambda *all: self.times.append(all))
        self.context = types.SimpleNamespace(metrics=metrics)
        self.addCleanup(self.batching.shutdown)

    def test_are_cut_and_joined_in_order(self):
        self.batching.parallelism = {"preprocess": 3, "inference": 2}
        data = rows(*range(25))
        self.assertEqual(self.batching(data, self.context), [value * 2 for value in range(25)])
        sizes = {len(given) for _, given, _ in self.handler.seen}
        self.assertEqual(sizes, {1, 2})
        slices = {at for stage, _, at in self.handler.seen if stage == "inference"}
        self.assertEqual(slices, set(range(13)))
        self.assertEqual([(name, unit) for name, _, _, unit in self.times], [("HandlerTime", "ms")])
        self.assertIs(self.handler.context, self.context)

    def test_run_in_threads_of_their_own(self):
        self.batching(rows(1, 2, 3), self.context)
        threads = set().union(*self.handler.threads.values())
        self.assertEqual(len(threads), 3)
        self.assertNotIn(threading.get_ident(), threads)
        self.assertIsNone(self.batching.get_micro_batch_idx())

    def test_that_fail_raise_what_the_handler_raised_and_the_next_one_works(self):
        with self.assertRaisesRegex(KeyError, "bad in"):
            self.batching(rows(1, 2, "bad", 3), self.context)
        self.assertEqual(self.batching(rows(4), self.context), [8])

    def test_that_explain_or_describe_are_not_cut(self):
        self.handler.header = "explain"
        self.assertEqual(self.batching(rows(1, 2, 3), self.context), [("why", [1, 2, 3], 3)])
        self.handler.header = "describe"
        self.assertEqual(self.batching([{}], self.context), [{"is": "described"}])


class Parallelism(unittest.TestCase):
    def test_is_merged_and_starts_and_ends_threads(self):
        batching = MicroBatching(Handler(), parallelism={"inference": 3})
        count = lambda: {stage: len(threads) for stage, threads in batching.thread_groups.items()}  # noqa: E731
        self.assertEqual(count(), {"preprocess": 1, "inference": 3, "postprocess": 1})
        batching.parallelism = {"postprocess": 2}
        batching.parallelism = {"inference": 1}
        self.assertEqual(count(), {"preprocess": 1, "inference": 1, "postprocess": 2})
        copy = batching.parallelism
        self.assertEqual(copy, {"inference": 1, "postprocess": 2})
        copy["inference"] = 9
        self.assertEqual(batching.parallelism["inference"], 1)
        with self.assertRaises(AssertionError):
            batching.parallelism = {"no stage": 1}
        with self.assertRaises(AssertionError):
            batching.parallelism = {"inference": -1}
        batching.parallelism = {"inference": 1}
        batching.shutdown()
        self.assertEqual(sum(count().values()), 0)
        with self.assertRaisesRegex(RuntimeError, "no thread"):
            batching.handle(rows(1))


if __name__ == "__main__":
    unittest.main()
