"""Base classes with a real torch: how models are loaded, and what is refused (contract python-handlers §9, security D2)."""

import io
import logging
import os
import pickle
import sys
import tempfile
import unittest
from unittest import mock

import torch

from ts.context import Context, RequestProcessor
from ts.metrics.metric_cache_yaml_impl import MetricsCacheYamlImpl
from ts.torch_handler.base_handler import BaseHandler
from ts.torch_handler.densenet_handler import DenseNetHandler
from ts.torch_handler.text_classifier import TextClassifier
from ts.torch_handler.weights import load_weights
from ts.utils.util import PredictionException

MODEL = """
import torch
class Doubles(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.by = torch.nn.Parameter(torch.tensor([2.0]))
    def forward(self, x):
        return x * self.by
"""


class Marks:
    """Pickled, it makes a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


class Folder(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.folder = made.name
        self.marker = os.path.join(made.name, "marker")
        sys.path.insert(0, made.name)
        self.addCleanup(sys.path.remove, made.name)
        self.addCleanup(sys.modules.pop, "net", None)
        self.write("net.py", MODEL)
        self.said = []

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)

    def save(self, value, name="weights.pt"):
        torch.save(value, os.path.join(self.folder, name))
        return os.path.join(self.folder, name)

    def context(self, config=None, **model):
        metrics = MetricsCacheYamlImpl(model_name="m", emit=self.said.append)
        return Context("m", self.folder, {"model": {"modelName": "m", **model}}, 1, None, "0", True, metrics, config or {})

    def loaded(self, handler=None, config=None, **model):
        handler = handler or BaseHandler()
        with self.assertLogs(level=logging.WARNING):  # There is no index_to_name.json.
            handler.initialize(self.context(config, **model))
        return handler

    def answer(self, handler, rows, header=None, config=None):
        context = self.context(config)
        context.request_processor = [RequestProcessor({header: "True"} if header else {})]
        return handler.handle(rows, context)


class Models(Folder):
    def test_are_weights_with_a_class(self):
        self.save({"by": torch.tensor([3.0])})
        handler = self.loaded(serializedFile="weights.pt", modelFile="net.py")
        self.assertEqual(self.answer(handler, [1.0, 2.0]), [3.0, 6.0])
        self.assertEqual((handler.map_location, str(handler.get_device()), handler.initialized), ("cpu", "cpu", True))
        self.assertFalse(handler.model.training)

    def test_or_a_class_alone_or_torchscript(self):
        handler = self.loaded(modelFile="net.py")
        self.assertEqual(self.answer(handler, [1.0]), [2.0])
        torch.jit.script(handler.model).save(os.path.join(self.folder, "script.pt"))
        self.assertEqual(self.answer(self.loaded(serializedFile="script.pt"), [4.0]), [8.0])

    def test_that_cannot_be_say_why(self):
        self.save({})
        self.write("two.py", "class A: pass\nclass B: pass")
        cases = [
            ({"serializedFile": "weights.pth"}, "No model weights could be loaded: weights.pth is no TorchScript"),
            ({}, "No model weights could be loaded: the manifest names neither"),
            ({"serializedFile": "model.so"}, "No model weights could be loaded: model.so takes torch 2.3"),
            ({"modelFile": "absent.py"}, "Missing the model.py file"),
            ({"modelFile": "two.py"}, "Expected only one class as model definition. "),
        ]
        for model, why in cases:
            with self.assertRaisesRegex((RuntimeError, ValueError), why):
                BaseHandler().initialize(self.context(**model))

    def test_are_explained_for_the_class_that_the_request_names(self):
        class Explains(BaseHandler):
            def preprocess(self, data):
                return "prepared"

            def get_insights(self, prepared, inputs, target):
                return [[prepared, inputs, target]]

        handler = Explains()
        for row, inputs, target in (
            ({"data": "x", "target": 2}, "x", 2),
            ({"body": "y", "target": bytearray(b"3")}, "y", 3),
            ({"body": "z"}, "z", 0),
            (1.5, None, 0),
        ):
            self.assertEqual(self.answer(handler, [row], "explain"), [["prepared", inputs, target]])
        self.assertTrue(handler.explain)
        self.assertEqual(self.answer(handler, [{}], "describe"), [None])

    def test_are_profiled_where_the_environment_asks(self):
        handler = self.loaded(modelFile="net.py")
        handler.profiler_args = {"activities": [torch.profiler.ProfilerActivity.CPU], "on_trace_ready": self.said.append}
        with mock.patch.dict(os.environ, {"ENABLE_TORCH_PROFILER": "1"}), self.assertLogs(level=logging.INFO) as logs:
            self.assertEqual(self.answer(handler, [1.0]), [2.0])
        self.assertIn("inference", "".join(logs.output))

    def test_leave_traces_of_the_profiler_in_a_folder_of_their_own(self):
        handler = self.loaded(modelFile="net.py")
        with mock.patch.dict(os.environ, {"ENABLE_TORCH_PROFILER": "1"}), self.assertLogs(level=logging.INFO) as logs:
            with mock.patch("ts.torch_handler.profiling.TRACES", self.folder):
                self.answer(handler, [1.0])
        self.assertTrue(os.listdir(os.path.join(self.folder, "m")))
        self.assertIn("Saving chrome trace to", "".join(logs.output))

    def test_are_timed_by_stages_where_the_configuration_asks(self):
        config = {"handler": {"profile": True}}
        handler = self.loaded(modelFile="net.py", config=config)
        self.answer(handler, [1.0], config=config)
        names = [each.name for each in self.said]
        stages = [f"ts_handler_{stage}" for stage in ("preprocess", "inference", "postprocess")]
        self.assertEqual(names, [*stages, "HandlerTime"])


class Pickles(Folder):
    def refused(self):
        return mock.patch.dict(os.environ, {"MARINA_ALLOW_PICKLES": "false"})

    def test_in_the_place_of_weights_do_not_run_where_the_server_refuses_them(self):
        self.save(Marks(self.marker))
        with self.refused(), self.assertRaisesRegex(RuntimeError, "allow_pickles=true"):
            BaseHandler().initialize(self.context(serializedFile="weights.pt", modelFile="net.py"))
        self.assertFalse(os.path.exists(self.marker))

    def test_run_with_a_warning_where_the_server_allows_them_as_the_original_has_it(self):
        path = self.save(Marks(self.marker))
        with self.assertLogs(level=logging.WARNING) as logs:
            load_weights(path).close()
        self.assertTrue(os.path.exists(self.marker))
        self.assertIn("runs code out of the file", logs.output[0])

    def test_in_the_place_of_a_vocabulary_do_not_run(self):
        torch.jit.script(self.loaded(modelFile="net.py").model).save(os.path.join(self.folder, "script.pt"))
        self.save(Marks(self.marker), "source_vocab.pt")
        with self.refused(), self.assertLogs(), self.assertRaisesRegex(RuntimeError, "source_vocab.pt holds more"):
            TextClassifier().initialize(self.context(serializedFile="script.pt"))
        os.remove(os.path.join(self.folder, "source_vocab.pt"))
        with self.assertLogs(), self.assertRaisesRegex(Exception, "Missing the source_vocab file"):
            TextClassifier().initialize(self.context(serializedFile="script.pt"))
        self.assertFalse(os.path.exists(self.marker))

    def test_called_model_pt_without_a_class_do_not_run(self):
        self.save(Marks(self.marker), "model.pt")
        with self.assertRaises(RuntimeError):
            BaseHandler().initialize(self.context(serializedFile="model.pt"))
        self.assertFalse(os.path.exists(self.marker))

    def test_in_requests_do_not_run_and_tensors_are_read(self):
        torch.jit.script(self.loaded(modelFile="net.py").model).save(os.path.join(self.folder, "script.pt"))
        handler = self.loaded(DenseNetHandler(), serializedFile="script.pt")
        saved = io.BytesIO()
        torch.save(Marks(self.marker), saved)
        for body in (saved.getvalue(), pickle.dumps(Marks(self.marker)), b"junk", b"", "text", pickle.dumps([1])):
            with self.assertRaises(PredictionException) as caught:
                self.answer(handler, [{"body": body}])
            self.assertEqual(caught.exception.error_code, 400)
        self.assertFalse(os.path.exists(self.marker))
        tensor = io.BytesIO()
        torch.save(torch.tensor([[1.0, 2.0]]), tensor)
        rows = [{"body": bytearray(tensor.getvalue())}, {"data": tensor.getvalue()}]
        [answer] = self.answer(handler, rows)
        self.assertEqual(answer.tolist(), [[2.0, 4.0], [2.0, 4.0]])
        with self.assertRaisesRegex(RuntimeError, "Missing the model.pt file"):
            DenseNetHandler().initialize(self.context(serializedFile="absent.pt"))


if __name__ == "__main__":
    unittest.main()
