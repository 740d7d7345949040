"""Calls what ts offers beside the handlers, by the word of the header X-Do."""
import json
import warnings

from ts.context import Context, RequestProcessor
from ts.handler_utils.utils import import_class
from ts.torch_handler.unit_tests.test_utils.mock_context import MockContext
from ts.utils.util import get_yaml_config, list_classes_from_module, load_label_mapping, map_class_to_label


class Base:
    pass


class Zebra(Base):
    pass


class Ape(Base):
    pass


def handle(data, context):
    if data is None:
        return None
    return [attempt(context.get_request_header(at, "X-Do"), context) for at in range(len(data))]


# Whose texts users look for.
TEXTS = ("labels-", "map-no", "time-unit", "size-unit", "metric-type")


def attempt(word, context):
    try:
        return ACTIONS[word](context)
    except Exception as error:
        text = str(error) if word.startswith(TEXTS) else "in its own words"
        return [type(error).__name__, [base.__name__ for base in type(error).__mro__[1:-2]], text]


def labels(name):
    return lambda context: load_label_mapping("./%s.json" % name)


def classes(*parents):
    def found(context):
        import utilities

        return [one.__name__ for one in list_classes_from_module(utilities, *parents)]

    return found


def constructed(context):
    own = Context("name", "/dir", {"model": {}}, 3, None, "1.2", False)
    found = [own.model_name, own.manifest, own.system_properties, own.metrics, own.model_yaml_config]
    own.request_ids = {0: "one", 1: "two"}
    own.request_processor = [RequestProcessor({"A": "1"}), RequestProcessor({"a": "2"})]
    own.set_all_response_status(201, "Made")
    own.set_response_content_type(1, "text/plain")
    return found + [
        [own.get_request_id(), own.get_request_id(1), own.get_request_id(2)],
        [own.get_request_header(0, "A"), own.get_request_header(0, "a"), own.get_request_header(1, "a")],
        [list(own.get_response_status(0)), list(own.get_response_status(1))],
        [own.get_response_headers(0), own.get_response_headers(1), own.get_response_content_type(1)],
        own.get_sequence_id(0),
    ]


def processor(context):
    own = RequestProcessor({"A": "1"})
    before = [own.get_response_status_code(), own.get_response_status_phrase(), own.get_response_headers()]
    own.report_status(404, "Gone")
    own.add_response_property("B", "2")
    after = [own.get_response_status_code(), own.get_response_status_phrase(), own.get_response_headers()]
    return [before, after, own.get_request_property("A"), own.get_request_property("x"), own.get_response_header("B")]


def mocked(context):
    own = MockContext(model_pt_file="weights.pt", model_dir="/dir", model_file="net.py", gpu_id=None)
    found = [own.manifest, own.system_properties["model_dir"], own.model_yaml_config, own.explain]
    before = own.get_request_header(0, "explain")
    own.explain = True
    return found + [before, own.get_request_header(1, "explain"), own.get_request_header(0, "explain")]


def old_streaming(context):
    from ts.protocol.otf_message_handler import send_intermediate_predict_response

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        send_intermediate_predict_response(["piece"], context.request_ids, "", 200, context)
    return [one.category.__name__ for one in caught]


def dimensions(context):
    from ts.metrics.dimension import Dimension
    from ts.metrics.metric_type_enum import MetricTypes

    one = Dimension("Name", "value")
    return [one.name, one.value, str(one), one.to_dict(), [[kind.name, kind.value] for kind in MetricTypes]]


def metric_errors(call):
    def run(context):
        from ts.metrics.metric_type_enum import MetricTypes

        return call(context.metrics, MetricTypes)

    return run


ACTIONS = {
    "labels-text": labels("text"),
    "labels-list": labels("list"),
    "labels-objects": labels("objects"),
    "labels-number": labels("number"),
    "labels-list-of-numbers": labels("list_of_numbers"),
    "labels-array": labels("array"),
    "labels-missing": labels("missing"),
    "labels-no-json": labels("no_json"),
    "map": lambda context: map_class_to_label([[0.5, 0.25], [0.125, 1]], {"0": "cat", "1": "dog"}),
    "map-without": lambda context: map_class_to_label([[0.5, 0.25]]),
    "map-classes": lambda context: map_class_to_label([[0.5, 0.25]], {"7": "seven", "9": "nine"}, [[9, 7]]),
    "map-classes-without": lambda context: map_class_to_label([[0.5, 0.25]], None, [[9, 7]]),
    "map-unknown": lambda context: map_class_to_label([[0.5, 0.25]], {"0": "cat"}),
    "map-no-list": lambda context: map_class_to_label((1, 2)),
    "map-no-dict": lambda context: map_class_to_label([[1]], ["cat"]),
    "map-empty": lambda context: map_class_to_label([]),
    "classes": classes(),
    "classes-of-base": classes(Base),
    "yaml": lambda context: json.loads(json.dumps(get_yaml_config("./some.yaml"))),
    "yaml-missing": lambda context: get_yaml_config("./missing.yaml"),
    "import-class": lambda context: import_class("utilities.Zebra").__name__,
    "import-class-prefix": lambda context: import_class("Ape", "utilities").__name__,
    "import-class-unknown": lambda context: import_class("utilities.Lion"),
    "import-class-empty": lambda context: import_class(""),
    "import-class-no-module": lambda context: import_class("Zebra"),
    "constructed": constructed,
    "processor": processor,
    "mocked": mocked,
    "old-streaming": old_streaming,
    "dimensions": dimensions,
    "time-unit": metric_errors(lambda metrics, kinds: metrics.add_time("T", 1, unit="h")),
    "size-unit": metric_errors(lambda metrics, kinds: metrics.add_size("S", 1, unit="TB")),
    "metric-type": metric_errors(lambda metrics, kinds: metrics.add_metric("M", 1, "count", metric_type="counter")),
    "metric-unknown": metric_errors(lambda metrics, kinds: metrics.get_metric("NotDeclared", kinds.GAUGE)),
    "metric-declared": metric_errors(
        lambda metrics, kinds: [
            getattr(metrics.add_metric_to_cache("Declared", "count", ["A"], kinds.GAUGE), name)
            for name in ("metric_name", "unit", "dimension_names")
        ]
    ),
}
