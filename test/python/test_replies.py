"""What becomes of what a handler returned or raised (contract python-handlers §5, §6)."""

import os
import sys
import types
import unittest

from marina_worker.replies import InvalidOutput, checked_reply, encode_body, place_of, raised, trace_of
from ts.utils.util import PredictionException


def caught(function):
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("it did not raise")


class Bodies(unittest.TestCase):
    def test_a_body_is_bytes_text_or_json(self):
        cases = [
            (b"\x00\xff", b"\x00\xff"),
            (bytearray(b"a"), b"a"),
            ("žluť", "žluť".encode()),
            ("half \ud800 pair", b"half ? pair"),
            ({"b": 1, "a": [True, None]}, b'{\n  "b": 1,\n  "a": [\n    true,\n    null\n  ]\n}'),
            ("", b""),
            ([], b"[]"),
            ((1,), b"[\n  1\n]"),
            (float("inf"), b"Infinity"),
            ("é", "é".encode()),
            (["é"], b'[\n  "\\u00e9"\n]'),
        ]
        for value, body in cases:
            with self.subTest(value=value):
                self.assertEqual(encode_body(value), body)

    def test_a_tensor_is_saved_by_the_torch_that_made_it(self):
        torch = types.ModuleType("torch")
        torch.Tensor = type("Tensor", (), {})
        torch.save = lambda value, file: file.write(b"saved")
        sys.modules["torch"] = torch
        self.addCleanup(sys.modules.pop, "torch")
        self.assertEqual(encode_body(torch.Tensor()), b"saved")

    def test_what_json_cannot_hold_is_refused(self):
        circular = []
        circular.append(circular)
        deep = []
        for _ in range(100_000):
            deep = [deep]
        for value in (object(), {1, 2}, circular, {(1, 2): 3}, deep):
            with self.assertRaisesRegex(InvalidOutput, "^Unsupported model output data type.$"):
                encode_body(value)


class Heads(unittest.TestCase):
    def test_what_http_cannot_say_is_refused_by_name(self):
        cases = [
            (99, "", {}, "status 99"),
            ("200", "", {}, "status '200'"),
            (200, "two\nlines", {}, "reason phrase"),
            (200, "", {"X Y": "a"}, "named 'X Y'"),
            (200, "", {"": "a"}, "named ''"),
            (200, "", {"X": 7}, "header X to 7"),
            (200, "", {"X": "a\r\nSet-Cookie: b"}, "header X to"),
            (200, "", {"X": "ž"}, "header X to"),
        ]
        for status, phrase, headers, why in cases:
            with self.subTest(why), self.assertRaisesRegex(InvalidOutput, why):
                checked_reply(status, phrase, headers, b"")

    def test_what_it_can_say_passes(self):
        reply = checked_reply(299, None, {"X-A": "é\t"}, b"b")
        self.assertEqual(reply, (299, {"X-A": "é\t"}, b"b", ""))


class Raised(unittest.TestCase):
    def test_prediction_exceptions_carry_status_and_text(self):
        for code, status in ((422, 422), (599, 599), (413, 507), ("none", 500)):
            failure = raised(PredictionException("no", code), "/")
            self.assertEqual((failure.reason, failure.status, failure.message), ("rejected", status, "no"))
        self.assertEqual(str(PredictionException("no")), "no : 500")

    def test_memory_is_told_apart(self):
        for error in (MemoryError("x"), ValueError("CUDA out of memory")):
            self.assertEqual(raised(error, "/")[:2], ("out-of-memory", 507))
        self.assertEqual(raised(ValueError("x"), "/")[:3], ("exception", 503, "ValueError: x"))

    def test_the_place_is_the_innermost_line_of_the_model(self):
        here = os.path.dirname(os.path.abspath(__file__))
        error = caught(lambda: __import__("json").loads("{"))
        self.assertRegex(place_of(error.__traceback__, here), r"^test_replies\.py:\d+$")
        self.assertRegex(place_of(error.__traceback__, "/nowhere"), r"json.decoder\.py:\d+$")

    def test_the_trace_has_all_causes(self):
        def twice():
            try:
                raise KeyError("first")
            except KeyError as error:
                raise ValueError("second") from error

        trace = trace_of(caught(twice))
        self.assertIn("KeyError: 'first'", trace)
        self.assertTrue(trace.endswith("ValueError: second"))


if __name__ == "__main__":
    unittest.main()
