"""The envelope kservev2, which needs numpy (contract python-handlers §11)."""

import json
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


class KServe2(unittest.TestCase):
    def request(self, **more):
        inputs = [
            {"name": "a", "shape": [2, 2], "datatype": "INT64", "data": [1, 2, 3, 4]},
            {"name": "b", "shape": [1], "datatype": "BYTES", "data": ["text"]},
        ]
        return {"body": {"inputs": inputs, **more}}

    def test_inputs_come_in_their_shapes_and_results_go_out_flat(self):
        context = context_of()
        answer = lambda inputs, given: [[[1.5, 2.5]], inputs[1]["data"] + "!"]  # noqa: E731
        seen, result = through("kservev2", [self.request(id="mine")], answer, context)
        self.assertEqual(seen[0], {"name": "a", "shape": [2, 2], "datatype": "INT64", "data": [[1, 2], [3, 4]]})
        self.assertEqual(seen[1]["data"], "text")
        self.assertEqual(context.input_names, ["a", "b"])
        outputs = [
            {"name": "a", "datatype": "FP64", "data": [1.5, 2.5], "shape": [2]},
            {"name": "b", "datatype": "BYTES", "data": ["text!"], "shape": [1]},
        ]
        expected = {"id": "mine", "model_name": "packed", "model_version": "2.0", "outputs": outputs}
        self.assertEqual(json.dumps(result), json.dumps([expected]))

    def test_a_request_without_an_id_is_answered_under_its_own(self):
        for given in ({}, {"id": " "}, {"id": None}):
            _, result = through("kservev2", [self.request(**given)], lambda inputs, _: [1, True])
            self.assertEqual(result[0]["id"], "id-0")
            self.assertEqual([output["datatype"] for output in result[0]["outputs"]], ["INT64", "BOOL"])

    def test_bytes_are_read_as_json(self):
        body = json.dumps(self.request()["body"]).encode()
        seen, _ = through("kservev2", [{"body": bytearray(body)}], lambda inputs, _: [1, 2])
        self.assertEqual(seen[0]["data"], [[1, 2], [3, 4]])


if __name__ == "__main__":
    unittest.main()
