"""The parts of ts that need no torch: context, metrics, helpers (contract python-handlers §3, §12, §13)."""

import json
import logging
import os
import tempfile
import types
import unittest
import warnings

from ts.context import Context, RequestProcessor
from ts.handler_utils.timer import timed
from ts.handler_utils.utils import import_class, send_intermediate_predict_response
from ts.metrics.dimension import Dimension
from ts.metrics.emission import Emission, emit_line
from ts.metrics.metric_cache_yaml_impl import MetricsCacheYamlImpl
from ts.metrics.metric_encoder import MetricEncoder
from ts.metrics.metric_type_enum import MetricTypes
from ts.metrics.metrics_store import MetricsStore
from ts.service import emit_metrics
from ts.utils import util


def context_of(*headers):
    context = Context("m", "/dir", {}, 4, None, "0.12.0")
    if headers:
        context.request_processor = [RequestProcessor(each) for each in headers]
        context.request_ids = {at: f"r{at}" for at in range(len(headers))}
    return context


class Contexts(unittest.TestCase):
    def test_headers_are_found_by_their_exact_name(self):
        context = context_of({"Content-Type": "a"}, {"ts_request_sequence_id": "s"})
        self.assertEqual(context.get_request_header(0, "Content-Type"), "a")
        self.assertIsNone(context.get_request_header(0, "content-type"))
        self.assertEqual(context.get_sequence_id(1), "s")
        self.assertEqual(context.get_all_request_header(0), {"Content-Type": "a"})

    def test_answers_of_a_batch_are_told_apart(self):
        context = context_of({}, {})
        context.set_response_content_type(1, "text/plain")
        context.set_response_status(201, "Made", 1)
        context.set_response_header(0, "A", "b")
        self.assertEqual(context.get_response_status(0), (200, None))
        self.assertEqual(context.get_response_status(1), (201, "Made"))
        self.assertEqual(context.get_response_headers(0), {"A": "b"})
        self.assertEqual(context.get_response_content_type(1), "text/plain")
        context.set_all_response_status(500, "All")
        self.assertEqual([context.get_response_status(at)[0] for at in (0, 1)], [500, 500])

    def test_without_requests_statuses_are_left_alone_and_ids_are_none(self):
        context = context_of()
        context.set_response_status(500)
        context.set_all_response_status(500)
        self.assertIsNone(context.get_request_id())
        self.assertIsNone(context_of({}).get_request_id(5))

    def test_equal_states_are_equal_contexts(self):
        self.assertEqual(context_of(), context_of())
        changed = context_of()
        changed.mine = 1
        self.assertNotEqual(changed, context_of())
        self.assertNotEqual(context_of(), 7)


class Metrics(unittest.TestCase):
    def setUp(self):
        self.said = []
        self.metrics = MetricsCacheYamlImpl(model_name="m", emit=self.said.append)
        self.metrics.request_ids = {0: "a", 1: "b"}

    def test_each_call_has_its_type_and_unit(self):
        self.metrics.add_counter("c", 1)
        self.metrics.add_time("t", 2, unit="s")
        self.metrics.add_size("z", 3)
        self.metrics.add_percent("p", 4)
        self.metrics.add_metric("g", 5, "things", metric_type=MetricTypes.HISTOGRAM)
        found = [(each.name, each.value, each.unit, each.type.name) for each in self.said]
        self.assertEqual(
            found,
            [
                ("c", 1, "Count", "COUNTER"),
                ("t", 2, "Seconds", "GAUGE"),
                ("z", 3, "Megabytes", "GAUGE"),
                ("p", 4, "Percent", "GAUGE"),
                ("g", 5, "things", "HISTOGRAM"),
            ],
        )

    def test_the_model_and_the_level_are_added_where_they_are_not_given(self):
        given = [Dimension("Level", "Mine")]
        self.metrics.add_counter("c", 1, 0, given)
        self.assertEqual(self.said[0].dimensions, [("Level", "Mine"), ("ModelName", "m")])
        self.assertEqual(len(given), 1)
        self.metrics.add_error("e", "a text")
        self.assertEqual(self.said[1].dimensions, [("Level", "Error")])
        self.assertEqual((self.said[1].value, self.said[1].request_id), (1, ""))

    def test_requests_are_named_by_row_all_of_them_or_at_load_by_something_unique(self):
        self.metrics.add_counter("c", 1, 1)
        self.metrics.add_counter("c", 1)
        self.metrics.request_ids = None
        self.metrics.add_counter("c", 1, 0)
        ids = [each.request_id for each in self.said]
        self.assertEqual(ids[:2], ["b", "a,b"])
        self.assertEqual(len(ids[2]), 36)

    def test_what_no_metric_can_be_is_logged_and_fails_nothing(self):
        self.metrics.add_counter("c", 1)
        declared = self.metrics.add_metric_to_cache("d", "count", ["One"])
        cases = [
            (lambda: self.metrics.add_counter("c", -1), "a counter cannot fall"),
            (lambda: self.metrics.add_counter("c", "many"), "could not convert"),
            (lambda: self.metrics.add_time("t", float("inf")), "not finite"),
            (lambda: self.metrics.add_counter("c", 1, 0, [Dimension("A", "b")]), "it has the dimensions"),
            (lambda: declared.add_or_update(1, []), "it has the dimensions"),
        ]
        for call, why in cases:
            with self.assertLogs(level=logging.ERROR) as logs:
                call()
            self.assertIn("[METRICS]Failed to update metric with name:", logs.output[0])
            self.assertIn(why, logs.output[0])
        self.assertEqual(len(self.said), 1)

    def test_wrong_arguments_raise(self):
        with self.assertRaisesRegex(ValueError, "the unit for a timed metric should be one of"):
            self.metrics.add_time("t", 1, unit="h")
        with self.assertRaisesRegex(ValueError, "The unit for size based metric is one of"):
            self.metrics.add_size("t", 1, unit="TB")
        with self.assertRaisesRegex(TypeError, "`metric_type` must be a MetricTypes enum"):
            self.metrics.add_percent("t", 1, metric_type="gauge")
        with self.assertRaises(TypeError):
            self.metrics.add_metric("t", 1, None)
        with self.assertRaises(KeyError):
            self.metrics.get_metric("absent")

    def test_a_metric_can_be_declared_updated_and_given_other_dimensions(self):
        metric = self.metrics.add_metric_to_cache("d", "count", ["One"], MetricTypes.GAUGE)
        self.assertIs(self.metrics.get_metric("d", MetricTypes.GAUGE), metric)
        metric.add_or_update(1, ["x"], "r")
        metric.update(2, "r", [Dimension("Two", "y")])
        self.assertEqual([each.dimensions for each in self.said], [[("One", "x")], [("Two", "y")]])
        with self.assertLogs(level=logging.WARNING):
            self.metrics.add_metric_to_cache("d", "count", [], MetricTypes.GAUGE)

    def test_outside_of_a_worker_a_value_is_a_line(self):
        with self.assertLogs(level=logging.INFO) as logs:
            emit_line(Emission("n", "ms", 1.5, [("A", "b"), ("Level", "Model")], MetricTypes.GAUGE, "r"))
        pattern = r"\[METRICS\]n\.Milliseconds:1\.5\|#A:b,Level:Model\|#type:GAUGE\|#hostname:[^,]+,\d+,r$"
        self.assertRegex(logs.output[0], pattern)

    def test_the_older_store_says_its_values_when_it_is_asked_to(self):
        store = MetricsStore({0: "a"}, "m")
        store.add_counter("c", 1)
        store.add_counter("c", 2)
        store.add_time("t", 5, 0, "s")
        store.add_error("e", "text")
        with self.assertLogs(level=logging.INFO) as logs:
            emit_metrics(store.store)
        self.assertIn("[METRICS]c.Count:3|#ModelName:m,Level:Model|#type:COUNTER|", logs.output[0])
        self.assertEqual(len(logs.output), 3)
        self.assertEqual(json.loads(json.dumps(store.store[1], cls=MetricEncoder))["Unit"], "Seconds")


class Helpers(unittest.TestCase):
    def test_label_files_have_four_forms(self):
        cases = [
            ({"0": "cat"}, {"0": "cat"}),
            ({"0": ["n01", "cat"]}, {"0": "cat"}),
            ({"object_type_names": ["a", "b"]}, {"0": "a", "1": "b"}),
        ]
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "index_to_name.json")
            with self.assertLogs(level=logging.WARNING) as logs:
                self.assertIsNone(util.load_label_mapping(path))
            self.assertIn("is missing. Inference output will not include class name.", logs.output[0])
            for content, mapping in cases:
                self.write(path, content)
                self.assertEqual(util.load_label_mapping(path), mapping)
            for content, why in (([], '"class": "label" format'), ({"0": 1}, "either str or List")):
                self.write(path, content)
                with self.assertRaisesRegex(Exception, why):
                    util.load_label_mapping(path)

    def write(self, path, content):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file)

    def test_probabilities_get_names(self):
        self.assertEqual(util.map_class_to_label([[0.1, 0.9]]), [{"0": 0.1, "1": 0.9}])
        named = util.map_class_to_label([[0.9]], {"7": "cat"}, [[7]])
        self.assertEqual(named, [{"cat": 0.9}])
        for arguments, why in ((((0.1,),), "Convert classes to list"), (([[1.0]], []), "Mapping must be a dict")):
            with self.assertRaisesRegex(Exception, why):
                util.map_class_to_label(*arguments)
        with self.assertRaises(KeyError):
            util.map_class_to_label([[1.0]], {"1": "dog"})

    def test_classes_are_those_that_a_module_defines(self):
        module = types.ModuleType("made")
        for name, parent in (("Second", object), ("First", ValueError)):
            setattr(module, name, type(name, (parent,), {"__module__": "made"}))
        module.Imported = Dimension
        self.assertEqual([each.__name__ for each in util.list_classes_from_module(module)], ["First", "Second"])
        self.assertEqual([each.__name__ for each in util.list_classes_from_module(module, ValueError)], ["First"])

    def test_classes_are_imported_by_name(self):
        self.assertIs(import_class("ts.metrics.dimension.Dimension"), Dimension)
        self.assertIs(import_class("Dimension", "ts.metrics.dimension"), Dimension)
        for name in ("", "Dimension", "ts.metrics.dimension.Absent", "absent.module.Class"):
            with self.assertRaises(ImportError):
                import_class(name)

    def test_old_places_warn_and_work(self):
        from ts.protocol import otf_message_handler

        sent = []
        context = types.SimpleNamespace(cl_socket=types.SimpleNamespace(send_pieces=lambda *all: sent.append(all)))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            otf_message_handler.send_intermediate_predict_response(["a"], {0: "r"}, "", 200, context)
        self.assertIn("is deprecated in 0.9.0 and moved to", str(caught[0].message))
        send_intermediate_predict_response(["b"], {0: "r"}, "", 200, context)
        self.assertEqual(sent, [(["a"], {0: "r"}), (["b"], {0: "r"})])

    def test_stages_are_timed_where_the_model_asks_for_it(self):
        said = []

        class Handler:
            context = None

            @timed
            def preprocess(self, data):
                return data + 1

        handler = Handler()
        self.assertEqual(handler.preprocess(1), 2)
        metrics = MetricsCacheYamlImpl(model_name="m", emit=said.append)
        for config in ({"handler": {"profile": True}}, {}, None):
            handler.context = types.SimpleNamespace(model_yaml_config=config, metrics=metrics)
            self.assertEqual(handler.preprocess(1), 2)
        self.assertEqual([(each.name, each.unit) for each in said], [("ts_handler_preprocess", "Milliseconds")])


if __name__ == "__main__":
    unittest.main()
