"""Request envelopes (contract python-handlers §11)."""

import unittest

from marina_worker.handler import enveloped
from ts.context import Context, RequestProcessor


def context_of(**headers):
    context = Context("m", "/dir", {"model": {"modelName": "packed", "modelVersion": "2.0"}}, 4, None, "0.12.0")
    context.request_processor = [RequestProcessor(headers)]
    context.request_ids = {0: "id-0"}
    return context


def through(envelope, data, answer=lambda rows, context: rows, context=None):
    """What the handler got, and what came out."""
    seen = []

    def handler(rows, given):
        seen.append(rows)
        return answer(rows, given)

    result = enveloped(handler, envelope)(data, context or context_of())
    return seen[0], result


class Body(unittest.TestCase):
    def test_rows_lose_the_name_of_their_part(self):
        seen, result = through("body", [{"data": b"a"}, {"body": "b"}, {"other": "c"}])
        self.assertEqual((seen, result), ([b"a", "b", None], [b"a", "b", None]))


class Json(unittest.TestCase):
    def test_instances_are_joined_and_results_parted_again(self):
        rows = [{"body": {"instances": [1, 2]}}, {"data": {"instances": [3]}}]
        seen, result = through("json", rows, lambda rows, _: [row * 10 for row in rows])
        self.assertEqual(seen, [1, 2, 3])
        self.assertEqual(result, ['{"predictions": [10, 20]}', '{"predictions": [30]}'])

    def test_base64_is_decoded_as_a_whole_instance_or_as_a_column_of_one(self):
        instances = [{"b64": "aGk="}, {"x": {"b64": "aGk="}, "y": {"b64": "aGk=", "z": 1}, "n": 1}]
        seen, _ = through("json", [{"body": {"instances": instances}}], lambda rows, _: [0] * len(rows))
        self.assertEqual(seen, [b"hi", {"x": b"hi", "y": {"b64": "aGk=", "z": 1}, "n": 1}])

    def test_what_is_no_json_with_instances_raises(self):
        for body in (bytearray(b'{"instances": [1]}'), {"other": 1}, {"instances": []}):
            with self.assertRaises((TypeError, KeyError, IndexError)):
                through("json", [{"body": body}])


class KServe(unittest.TestCase):
    def test_the_first_requests_instances_become_predictions(self):
        for body in ({"instances": [1, 2]}, b'{"instances": [1, 2]}', bytearray(b'{"instances": [1, 2]}')):
            self.assertEqual(through("kserve", [{"body": body}]), ([1, 2], [{"predictions": [1, 2]}]))

    def test_or_explanations(self):
        context = context_of(explain="True")
        _, result = through("kserve", [{"body": {"instances": [1]}}], context=context)
        self.assertEqual(result, [{"explanations": [1]}])

    def test_what_is_empty_goes_through(self):
        self.assertEqual(through("kserve", [{"body": {"instances": []}}]), ([], []))
        self.assertEqual(through("kserve", []), ([], []))


class Unknown(unittest.TestCase):
    def test_an_envelope_that_is_not_there_is_named_with_those_that_are(self):
        with self.assertRaisesRegex(ModuleNotFoundError, "request_envelope.kfserving.*body, json, kserve or kservev2"):
            enveloped(lambda rows, context: rows, "kfserving")


if __name__ == "__main__":
    unittest.main()
