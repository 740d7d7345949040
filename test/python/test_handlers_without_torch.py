"""What the base classes and the modules that are left out say where something is not installed (contract python-handlers §7)."""

import importlib
import json
import logging
import os
import pickle
import sys
import tempfile
import types
import unittest
import warnings
from unittest import mock

from ts.context import Context
from ts.left_out import CURES
from ts.torch_handler import base_handler, compilation
from ts.torch_handler.base_handler import BaseHandler
from ts.torch_handler.device import choose_place
from ts.torch_handler.requirement import can_import, require
from ts.torch_handler.weights import load_weights


class LeftOut(unittest.TestCase):
    def test_modules_are_named_with_a_cure(self):
        for name, cure in CURES.items():
            with self.assertRaises(ImportError) as caught:
                importlib.import_module(name)
            self.assertEqual(str(caught.exception), f"{name} is left out of Marina's own ts: {cure}.")

    def test_names_of_the_wire_format_are_too(self):
        for module in ("ts.protocol.otf_message_handler", "ts.handler_utils.utils"):
            with self.assertRaisesRegex(ImportError, "create_predict_response is left out"):
                exec(f"from {module} import create_predict_response")

    def test_other_absent_modules_are_simply_absent(self):
        with self.assertRaisesRegex(ModuleNotFoundError, "No module named 'ts.torch_handler.absent'"):
            importlib.import_module("ts.torch_handler.absent")

    def test_older_base_classes_can_be_derived_from(self):
        from ts.model_service.model_service import SingleNodeService

        class Mine(SingleNodeService):
            def _inference(self, data):
                return [value + 1 for value in data]

        service = Mine("m", "/dir", {})
        service.initialize("context")
        self.assertEqual(service.handle([1, 2], "context"), [2, 3])


class OlderWays(unittest.TestCase):
    def test_a_test_of_a_user_may_load_a_handler_by_the_loader(self):
        from ts.model_loader import ModelLoaderFactory

        source = "def handle(data, context): return [context.model_name, context.manifest, data]"
        manifest = {"model": {"modelName": "packed", "handler": "loaded_handler.py"}}
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "loaded_handler.py"), "w", encoding="utf-8") as file:
                file.write(source)
            os.mkdir(os.path.join(folder, "MAR-INF"))
            with open(os.path.join(folder, "MAR-INF/MANIFEST.json"), "w", encoding="utf-8") as file:
                json.dump(manifest, file)
            sys.path.insert(0, folder)
            self.addCleanup(sys.path.remove, folder)
            self.addCleanup(sys.modules.pop, "loaded_handler", None)
            service = ModelLoaderFactory.get_model_loader().load("m", folder, envelope="body")
        rows = service._entry_point([{"body": 1}], service.context)
        self.assertEqual(rows, ["m", manifest, [1]])
        service.set_cl_socket("socket")
        self.assertEqual(service.context.cl_socket, "socket")

    def test_texts_of_several_prompts_come_step_by_step(self):
        class Streamer:
            def __init__(self, tokenizer, skip_prompt, timeout, **more):
                self.texts = []

            def put(self, value):
                self.texts.append(str(value))

            def end(self):
                pass

            def __iter__(self):
                return iter(self.texts)

        class Rows(list):
            shape = property(lambda self: (len(self), 1))

        streamers = types.SimpleNamespace(BaseStreamer=object, TextIteratorStreamer=Streamer)
        names = {"transformers": mock.Mock(), "transformers.generation": mock.Mock()}
        with mock.patch.dict(sys.modules, {**names, "transformers.generation.streamers": streamers}):
            from ts.handler_utils.hf_batch_streamer import TextIteratorStreamerBatch
        batch = TextIteratorStreamerBatch("tokenizer", 2, skip_prompt=True)
        batch.put(Rows(["a", "b"]))
        batch.put(Rows(["c", "d"]))
        batch.end()
        self.assertEqual(list(batch), [[{"text": "['a']"}, {"text": "['b']"}], [{"text": "['c']"}, {"text": "['d']"}]])
        with self.assertRaisesRegex(ValueError, "there are 2 prompts"):
            batch.put(Rows(["a"]))


class Required(unittest.TestCase):
    def test_a_missing_library_is_named_with_who_wants_it_and_the_command(self):
        with mock.patch.dict(sys.modules, {"PIL": None, "PIL.Image": None}):
            with self.assertRaisesRegex(ImportError, r"A picture needs PIL.*-m pip install pillow$"):
                require("PIL.Image", "A picture")

    def test_a_library_that_lacks_something_itself_says_so_itself(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "half_there.py"), "w", encoding="utf-8") as file:
                file.write("import absent_dependency")
            sys.path.insert(0, folder)
            self.addCleanup(sys.path.remove, folder)
            with self.assertRaisesRegex(ModuleNotFoundError, "^No module named 'absent_dependency'$"):
                require("half_there", "A test")
        self.assertFalse(can_import("no_such.module"))

    def test_flags_say_that_there_is_no_torch(self):
        with mock.patch.object(base_handler, "can_import", lambda name: False):
            names = ["PROFILER_AVAILABLE", "PT2_AVAILABLE", "PT230_AVAILABLE", "XLA_AVAILABLE", "ONNX_AVAILABLE"]
            self.assertEqual([getattr(base_handler, name) for name in names], [False] * 5)
        with self.assertRaises(AttributeError):
            base_handler.NO_SUCH_FLAG

    def test_a_base_handler_without_torch_says_so(self):
        with mock.patch.dict(sys.modules, {"torch": None}):
            with self.assertRaisesRegex(ImportError, "BaseHandler.initialize needs torch"):
                BaseHandler().initialize(Context("m", "/dir", {"model": {}}, 1, None, "0"))


def torch_with(**parts):
    """A torch of which only these parts are there; devices are their names."""
    off = types.SimpleNamespace(is_available=lambda: False)
    torch = types.SimpleNamespace(device=str, cuda=off, backends=types.SimpleNamespace(mps=off), __version__="2.9.0")
    vars(torch).update(parts)
    return torch


class Places(unittest.TestCase):
    on = types.SimpleNamespace(is_available=lambda: True, get_device_capability=lambda: (9, 0))

    def test_the_gpu_that_the_server_gave(self):
        asked = []
        torch = torch_with(cuda=self.on, set_float32_matmul_precision=asked.append)
        self.assertEqual(choose_place(1, torch), ("cuda", "cuda:1"))
        self.assertEqual(asked, ["high"])
        self.assertEqual(choose_place(None, torch), ("cpu", "cpu"))
        self.assertEqual(choose_place(1, torch_with()), ("cpu", "cpu"))

    def test_or_what_else_there_is(self):
        self.assertEqual(choose_place(0, torch_with(backends=types.SimpleNamespace(mps=self.on))), ("mps", "mps"))
        with mock.patch.dict(os.environ, {"TS_IPEX_GPU_ENABLE": "true"}):
            self.assertEqual(choose_place(2, torch_with(xpu=self.on)), ("xpu", "xpu:2"))
        self.assertEqual(choose_place(2, torch_with(xpu=self.on)), ("cpu", "cpu"))


class Compilation(unittest.TestCase):
    def compiled(self, pt2, compile=lambda model, **options: (model, options)):
        return compilation.compiled("model", {"pt2": pt2}, torch_with(compile=compile))

    def test_is_asked_for_in_three_spellings(self):
        options = {"backend": "inductor", "mode": "reduce-overhead"}
        with self.assertLogs(level=logging.INFO) as logs:
            self.assertEqual(self.compiled({"compile": {"enable": True, **options}}), ("model", options))
        self.assertIn("Compiled model with backend inductor, mode reduce-overhead", logs.output[0])
        for pt2, meant in (("inductor", {"backend": "inductor"}), (options, options)):
            with self.assertLogs(level=logging.INFO) as logs:
                self.assertEqual(self.compiled(pt2), ("model", meant))
            self.assertIn("deprecated", logs.output[0])

    def test_does_not_change_the_configuration(self):
        config = {"pt2": {"compile": {"enable": True, "backend": "eager"}}}
        compilation.compiled("model", config, torch_with(compile=lambda model, **_: model))
        self.assertIs(config["pt2"]["compile"]["enable"], True)

    def test_is_left_out_where_nobody_asks_or_no_such_backend_is_there(self):
        for pt2 in ({"compile": {"enable": False}}, {"export": {"aot_compile": True}}):
            self.assertEqual(self.compiled(pt2), "model")
        self.assertEqual(compilation.compiled("model", None, torch_with()), "model")
        with self.assertLogs(level=logging.WARNING) as logs:
            self.assertEqual(self.compiled({"compile": {"enable": True, "backend": "turbo"}}), "model")
        self.assertIn("turbo is not a supported backend", logs.output[0])
        with self.assertLogs(level=logging.WARNING) as logs:
            asked = {"pt2": {"compile": {"enable": True}}}
            self.assertEqual(compilation.compiled("model", asked, torch_with(__version__="1.13.0")), "model")
        self.assertIn("torch 1.13.0 has no torch.compile", logs.output[0])

    def test_that_fails_leaves_the_model_as_it_is(self):
        def fails(model, **options):
            raise RuntimeError("no compiler here")

        with self.assertLogs(level=logging.WARNING) as logs:
            self.assertEqual(self.compiled({"compile": {"enable": True}}, fails), "model")
        self.assertIn("Proceeding without compilation", logs.output[0])
        self.assertIn("no compiler here", logs.output[1])

    def test_wrong_sections_are_refused_with_what_they_must_say(self):
        for pt2, why in (({"compile": {"backend": "eager"}}, "enable: true or false"), (7, "a backend or a map")):
            with self.assertRaisesRegex(ValueError, why):
                self.compiled(pt2)

    def test_ahead_of_time_is_asked_for_in_one(self):
        self.assertTrue(compilation.asks_for_aot({"pt2": {"export": {"aot_compile": True}}}))
        for config in ({"pt2": "inductor"}, {"pt2": {"export": {"aot_compile": "yes"}}}, {}, None):
            self.assertFalse(compilation.asks_for_aot(config))


class Pickles(unittest.TestCase):
    """The order of the two ways to load; test/torch has the real ones."""

    def torch(self):
        calls = []

        def load(path, map_location=None, weights_only=False):
            calls.append(weights_only)
            if weights_only:
                raise pickle.UnpicklingError("Unsupported class posix.system")
            return "unpickled"

        return types.SimpleNamespace(load=load, __version__="1.13.0"), calls

    def test_plain_weights_are_asked_for_first_then_all_with_a_warning(self):
        torch, calls = self.torch()
        with mock.patch.dict(sys.modules, {"torch": torch}), self.assertLogs(level=logging.WARNING) as logs:
            self.assertEqual(load_weights("/dir/weights.pt"), "unpickled")
        self.assertEqual(calls, [True, False])
        self.assertIn("weights.pt holds more than tensors", logs.output[0])

    def test_all_is_refused_where_the_server_does_not_allow_it(self):
        torch, calls = self.torch()
        with mock.patch.dict(sys.modules, {"torch": torch}), mock.patch.dict(os.environ, {"MARINA_ALLOW_PICKLES": "false"}):
            with self.assertRaisesRegex(RuntimeError, r"weights.pt .*posix.system.*allow_pickles=true"):
                load_weights("/dir/weights.pt")
        self.assertEqual(calls, [True])

    def test_a_torch_that_cannot_tell_counts_as_unsafe(self):
        torch = types.SimpleNamespace(load=lambda path, map_location=None: "unpickled", __version__="1.10.0")
        with mock.patch.dict(sys.modules, {"torch": torch}):
            with mock.patch.dict(os.environ, {"MARINA_ALLOW_PICKLES": "false"}):
                with self.assertRaisesRegex(RuntimeError, "torch 1.10.0 cannot tell"):
                    load_weights("/dir/weights.pt")


class Deprecated(unittest.TestCase):
    def test_timeit_prints(self):
        from ts.utils.timeit_decorator import timeit

        with mock.patch("builtins.print") as said, warnings.catch_warnings():
            self.assertEqual(timeit(lambda x: x + 1)(1), 2)
        self.assertRegex(said.call_args[0][0], r"func: .* took \d+\.\d+ s")


if __name__ == "__main__":
    unittest.main()
