"""What a request looks like to a handler (contract python-handlers §4)."""

import logging
import os
import struct
import tempfile
import unittest

from marina_worker.messages import FileBody, Job, Part, Tensor
from marina_worker.rows import row_of


def job(*parts, tensors=None):
    return Job(1, "request-1", "predict", {}, list(parts), tensors, True)


def row(*parts, decode=True):
    return row_of(job(*parts), decode, "m")


class Values(unittest.TestCase):
    def test_the_type_decides_what_a_part_becomes(self):
        cases = [
            ("application/json", b'{"a": [1, 2.5, null]}', {"a": [1, 2.5, None]}),
            ("application/json", b'"text"', "text"),
            ("application/json", b"7", 7),
            ("Application/JSON", b"7", bytearray(b"7")),
            ("application/vnd.api+json", b"7", bytearray(b"7")),
            ("text/plain", "žluť".encode(), "žluť"),
            ("text", b"a", "a"),
            ("application/octet-stream", b"7", bytearray(b"7")),
            ("image/png", bytes(range(256)), bytearray(range(256))),
            (None, b"{}", bytearray(b"{}")),
        ]
        for content_type, data, value in cases:
            with self.subTest(content_type):
                found = row(Part("body", content_type, bytearray(data)))["body"]
                self.assertEqual(found, value)
                self.assertIs(type(found), type(value))

    def test_nothing_is_decoded_where_that_is_off(self):
        for content_type in ("application/json", "text/plain"):
            found = row(Part("body", content_type, bytearray(b"7")), decode=False)["body"]
            self.assertEqual(found, bytearray(b"7"))

    def test_what_cannot_be_decoded_is_handed_on_with_a_warning(self):
        nested = b"[" * 100_000
        cases = [("application/json", b"{"), ("application/json", nested), ("text/plain", b"\xff")]
        for content_type, data in cases:
            word = "json" if content_type == "application/json" else "utf-8"
            with self.assertLogs("ts", logging.WARNING) as logs:
                self.assertEqual(row(Part("body", content_type, bytearray(data)))["body"], bytearray(data))
            expected = f"Failed {word} decoding of input data. Forwarding encoded payload"
            self.assertEqual(logs.records[0].getMessage(), expected)

    def test_each_part_stands_under_its_name_and_of_a_repeated_name_the_last_one(self):
        parts = [Part(name, None, bytearray(name.encode())) for name in ("a", "b")]
        self.assertEqual(row(*parts), {"a": bytearray(b"a"), "b": bytearray(b"b")})
        self.assertEqual(row(parts[0], Part("a", None, bytearray(b"2"))), {"a": bytearray(b"2")})
        self.assertEqual(row(), {})


class Files(unittest.TestCase):
    def test_a_body_in_a_file_is_its_part_of_the_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "big")
            with open(path, "wb") as file:
                file.write(b"...hello...")
            self.assertEqual(row(Part("body", "text/plain", FileBody(path, 3, 5)))["body"], "hello")
            with self.assertRaisesRegex(OSError, "ended 1 bytes early"):
                row(Part("body", None, FileBody(path, 8, 4)))


class Tensors(unittest.TestCase):
    def test_are_the_object_of_the_open_inference_protocol(self):
        floats = Tensor("x", "float32", [2, 1], bytearray(struct.pack("<2f", 1, -2)))
        words = Tensor("w", "string", [2], bytearray("é\0b".encode()))
        body = row_of(job(tensors=[floats, words]), True, "m")["body"]
        self.assertEqual((body["id"], body["model_name"]), ("request-1", "m"))
        self.assertEqual(body["inputs"][0], {"name": "x", "shape": [2, 1], "datatype": "FP32", "data": [1.0, -2.0]})
        self.assertEqual(body["inputs"][1]["data"], ["é", "b"])

    def test_must_fit_their_shape(self):
        for tensor in (
            Tensor("x", "float32", [3], bytearray(8)),
            Tensor("x", "float32", [2], bytearray(7)),
            Tensor("x", "complex", [1], bytearray(8)),
        ):
            with self.assertRaisesRegex(ValueError, "the tensor 'x'"):
                row_of(job(tensors=[tensor]), True, "m")


if __name__ == "__main__":
    unittest.main()
