"""Frames and messages against the stored ones, which TypeScript reads and writes too (test/fixtures/frames)."""

import json
import os
import random
import socket
import threading
import unittest

from marina_worker import messages
from marina_worker.frames import MAX_HEADER_BYTES, PREFIX, READ_BYTES, BrokenFrame, FrameReader, encode
from marina_worker.messages import Failure, FileBody, Part, Reply, Tensor, Timing

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "fixtures", "frames")


def stored(name):
    with open(os.path.join(FOLDER, f"{name}.bin"), "rb") as file:
        return file.read()


def meaning(name):
    with open(os.path.join(FOLDER, "messages.json"), encoding="utf-8") as file:
        return json.load(file)[name]


class Stream:
    """A reader whose other end writes these bytes, cut where it says, and hangs up."""

    def __init__(self, data, cuts=()):
        near, self.far = socket.socketpair()
        self.reader = FrameReader(self.far)
        self.thread = threading.Thread(target=self.write, args=(near, data, sorted(cuts)))

    def write(self, near, data, cuts):
        with near:
            for start, end in zip([0, *cuts], [*cuts, len(data)]):
                near.sendall(data[start:end])

    def __enter__(self):
        self.thread.start()
        return self.reader

    def __exit__(self, *_):
        # A reader that has given up leaves a writer that must not wait for ever.
        self.far.close()
        self.thread.join()


def read(data, cuts=()):
    with Stream(data, cuts) as reader:
        return messages.read(reader, True)


class StoredFrames(unittest.TestCase):
    def test_jobs_are_read_with_their_parts(self):
        first, second = read(stored("down-jobs-parts")).jobs
        self.assertEqual((first.key, first.id, first.operation), (3, "request-3", "predict"))
        self.assertEqual(first.headers, {"X-Name": "Zoë"})
        self.assertEqual(first.parts, [Part("body", "text/plain", bytearray(b"stream"))])
        self.assertFalse(first.announced)
        self.assertEqual([part.name for part in second.parts], ["data", "empty", "rest"])
        self.assertEqual([bytes(part.body) for part in second.parts], [b"\0\1\2", b"", b"12345678"])

    def test_jobs_that_start_on_arrival_are_known_as_such(self):
        self.assertEqual([job.announced for job in read(stored("down-jobs-start")).jobs], [True, True])

    def test_tensors_and_files_are_read(self):
        (job,) = read(stored("down-jobs-tensors")).jobs
        self.assertEqual(job.tensors[0][:3], ("x", "float32", [2, 2]))
        self.assertEqual(job.tensors[1], Tensor("words", "string", [2], bytearray("é\0b".encode())))
        (job,) = read(stored("down-jobs-file")).jobs
        self.assertEqual(job.parts[0].body, FileBody("big-body.bin", 3, 5))

    def test_the_other_messages_are_read(self):
        self.assertEqual(read(stored("down-hello")), messages.Hello(1))
        self.assertEqual(read(stored("down-cancel")), messages.Cancel([7]))
        self.assertEqual(read(stored("down-stop")), messages.Stop())
        load = read(stored("down-load"))
        self.assertEqual((load.model, load.handler, load.batch_size), ("digits", "handler.js", 4))
        self.assertTrue(load.limit_max_image_pixels)

    def test_messages_are_written_byte_for_byte(self):
        for name in ("hello", "loaded", "load-failed", "credit", "started", "cancelled", "log", "metric"):
            with self.subTest(name):
                fields = dict(meaning(f"up-{name}"))
                frame = b"".join(messages.message(fields.pop("kind"), **fields))
                self.assertEqual(frame, stored(f"up-{name}"))

    def test_results_and_chunks_are_written_byte_for_byte(self):
        timing = Timing(12, 3456, 7, 2)
        ok = Reply(201, {"content-type": "text/plain"}, "žluť".encode())
        self.assertEqual(b"".join(messages.result(1, ok, timing)), stored("up-result-ok"))
        trace = "Error: no\n    at handler.ts:3"
        failed = Failure("exception", 503, "Error: no", "handler.ts:3", trace)
        self.assertEqual(b"".join(messages.result(2, failed, timing)), stored("up-result-failed"))
        head = Reply(200, {"content-type": "text/event-stream"}, b"")
        self.assertEqual(b"".join(messages.chunk(3, head, b"data: 1\n\n")), stored("up-chunk-first"))
        self.assertEqual(b"".join(messages.chunk(3, None, b"data: 2\n\n")), stored("up-chunk-next"))


class Reading(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(5)

    def frame_of(self, sizes):
        bodies = [self.random.randbytes(size) for size in sizes]
        parts = [{"name": str(at), "body": {"bytes": size}} for at, size in enumerate(sizes)]
        job = {"key": 1, "id": "r", "operation": "predict", "headers": {}}
        header = {"start": False, "jobs": [{**job, "input": {"kind": "parts", "parts": parts}}]}
        return b"".join(encode(messages.DOWN["jobs"], json.dumps(header).encode(), bodies)), bodies

    def test_any_sizes_cut_anywhere_give_the_same_bodies(self):
        edges = [0, 1, 7, 8, 9, READ_BYTES - 1, READ_BYTES, READ_BYTES + 1, READ_BYTES // 2, 3 * READ_BYTES + 5]
        for _ in range(40):
            frames = [self.frame_of(self.random.choices(edges, k=self.random.randrange(5))) for _ in range(3)]
            data = b"".join(frame for frame, _ in frames)
            cuts = [self.random.randrange(len(data)) for _ in range(self.random.randrange(6))]
            with Stream(data, cuts) as reader:
                for _, bodies in frames:
                    (job,) = messages.read(reader, True).jobs
                    self.assertEqual([bytes(part.body) for part in job.parts], bodies)
                with self.assertRaises(EOFError):
                    messages.read(reader, True)

    def test_a_header_may_be_larger_than_what_one_read_takes(self):
        header = json.dumps({"keys": list(range(100_000))}).encode()
        self.assertEqual(len(read(b"".join(encode(messages.DOWN["cancel"], header))).keys), 100_000)

    def test_without_waiting_there_is_nothing_until_a_frame_begins(self):
        near, far = socket.socketpair()
        with near, far:
            reader = FrameReader(far)
            self.assertIsNone(messages.read(reader, False))
            near.sendall(stored("down-stop") + stored("down-cancel"))
            self.assertEqual(messages.read(reader, False), messages.Stop())
            self.assertEqual(messages.read(reader, False), messages.Cancel([7]))
            self.assertIsNone(messages.read(reader, False))

    def test_a_stream_that_ends_within_a_frame_ends(self):
        data, _ = self.frame_of([100])
        for length in range(0, len(data) - 1, 7):
            with self.assertRaises(EOFError):
                read(data[:length])

    def test_a_body_belongs_to_the_handler_alone(self):
        data, _ = self.frame_of([16])
        with Stream(data + data) as reader:
            first = messages.read(reader, True).jobs[0].parts[0].body
            first.clear()
            self.assertEqual(len(messages.read(reader, True).jobs[0].parts[0].body), 16)


class BrokenFrames(unittest.TestCase):
    def test_what_is_no_frame_is_refused_with_its_reason(self):
        cases = {
            "over the limits": PREFIX.pack(3, MAX_HEADER_BYTES + 8, 0),
            "no multiples of 8": PREFIX.pack(3, 7, 0),
            "not JSON": PREFIX.pack(3, 8, 0) + b"not JSON",
            "header is not JSON": PREFIX.pack(3, 8, 0) + b'{"\xff": 1}',
            "more than one value": PREFIX.pack(3, 8, 0) + b"{}    {}",
            "kind 99": PREFIX.pack(99, 8, 0) + b"{}      ",
            "lacks or garbles": PREFIX.pack(3, 8, 0) + b"[]      ",
            "belong to nothing": PREFIX.pack(5, 8, 8) + b"{}      " + bytes(8),
        }
        for why, data in cases.items():
            with self.subTest(why), self.assertRaisesRegex(BrokenFrame, why):
                read(data)

    def test_a_body_that_is_not_in_its_frame_is_refused(self):
        part = {"name": "a", "body": {"bytes": 9}}
        job = {"key": 1, "id": "", "operation": "predict", "headers": {}, "input": {"kind": "parts", "parts": [part]}}
        frame = encode(3, json.dumps({"start": True, "jobs": [job]}).encode(), [b"12345678"])
        with self.assertRaisesRegex(BrokenFrame, "9 bytes is not in it"):
            read(b"".join(frame))

    def test_a_message_that_no_frame_can_hold_is_not_begun(self):
        with self.assertRaisesRegex(ValueError, "over the limits"):
            encode(3, b" " * (MAX_HEADER_BYTES + 1))


if __name__ == "__main__":
    unittest.main()
