"""Does what the header X-Do says: returns one value of many, or fails in one of many ways. Words of one row are for its
own answer; words of WHOLE, in the first row, are for the whole batch."""
import math

from ts.handler_utils.utils import send_intermediate_predict_response
from ts.protocol.otf_message_handler import send_intermediate_predict_response as send_old
from ts.utils.util import PredictionException

memory = {"mark": "none"}
at_load = {}


def handle(data, context):
    if data is None:
        at_load.update(snapshot(context))
        return None
    if context.get_request_header(0, "describe") == "True":
        return described(data, context)
    word, rest = word_of(context, 0)
    if word in WHOLE:
        return WHOLE[word](data, context, rest)
    return [answer(data, context, at) for at in range(len(data))]


def word_of(context, at):
    word, _, rest = (context.get_request_header(at, "X-Do") or "show").partition(":")
    return word, rest


def answer(data, context, at):
    word, rest = word_of(context, at)
    if word in VALUES:
        return VALUES[word]()
    return ROWS[word](data[at], context, at, rest)


def described(data, context):
    return [{"rows": data, "describe": context.get_request_header(0, "describe")}]


def snapshot(context):
    """What the context knows without a request."""
    properties = dict(context.system_properties)
    properties["model_dir"] = type(properties["model_dir"]).__name__
    manifest = {key: value for key, value in context.manifest.items() if key != "createdOn"}
    found = {
        "model_name": context.model_name,
        "manifest": manifest,
        "system_properties": properties,
        "model_yaml_config": context.model_yaml_config,
        "request_ids": context.request_ids and len(context.request_ids),
        "request_processor": context.request_processor and [type(one).__name__ for one in context.request_processor],
        "stopping_criteria": context.stopping_criteria,
        "sequence": [
            context.header_key_sequence_id,
            context.header_key_sequence_start,
            context.header_key_sequence_end,
        ],
        "metrics": type(context.metrics).__name__,
        "has": [name for name in ("cache", "kv_cache", "input_names") if hasattr(context, name)],
    }
    try:
        found["request_id"] = context.get_request_id() if context.request_ids is None else "given"
    except Exception as error:
        found["request_id"] = type(error).__name__
    context.set_response_status(code=500, phrase="ignored", idx=0) if context.request_processor is None else None
    return found


# For one row.


def show(row, context, at, rest):
    return {name: [type(value).__name__, text(value)] for name, value in sorted(row.items())}


def text(value):
    return value.decode("latin-1") if isinstance(value, (bytes, bytearray)) else value


def headers(row, context, at, rest):
    ignored = ("Host", "X-Do")
    return {name: value for name, value in sorted(context.get_all_request_header(at).items()) if name not in ignored}


def header(row, context, at, rest):
    return [context.get_request_header(at, name) for name in rest.split(",")]


def status(row, context, at, rest):
    code, _, phrase = rest.partition(":")
    if phrase:
        context.set_response_status(code=int(code), phrase=phrase, idx=at)
    else:
        context.set_response_status(int(code), idx=at)
    return ["status", list(context.get_response_status(at))]


def set_header(row, context, at, rest):
    name, _, value = rest.partition("=")
    context.set_response_header(at, name, value)
    return context.get_response_headers(at)


def content_type(row, context, at, rest):
    before = context.get_response_content_type(at)
    context.set_response_content_type(at, rest)
    return [before, context.get_response_content_type(at)]


def processor(row, context, at, rest):
    """The way of older handlers."""
    own = context.request_processor[at]
    own.add_response_property("X-Old", "yes")
    found = [own.get_request_property("X-Mine"), own.get_request_property("x-mine"), own.get_response_header("X-Old")]
    own.report_status(int(rest or 200), "From the processor")
    return found + [own.get_response_status_code(), own.get_response_status_phrase(), own.get_response_headers()]


def properties(row, context, at, rest):
    own = context.request_processor[at]
    return [own.get_request_properties() == context.get_all_request_header(at), own._request_header.get("X-Mine")]


def request_id(row, context, at, rest):
    ids = context.request_ids
    return [context.get_request_id(at) == ids[at], context.get_request_id(99), sorted(ids), len(set(ids.values()))]


def shown_id(row, context, at, rest):
    return context.get_request_id(at)


def of_load(row, context, at, rest):
    return at_load


def of_request(row, context, at, rest):
    return snapshot(context)


def remember(row, context, at, rest):
    """Attributes that a handler gives the context stay."""
    context.cache = getattr(context, "cache", []) + [rest]
    return context.cache


def equal(row, context, at, rest):
    import copy

    other = copy.copy(context)
    same = other == context
    other.model_name = "other"
    return [same, other == context, context == 5]


def mark(row, context, at, rest):
    memory["mark"] = rest
    return "marked"


def position(row, context, at, rest):
    return {"row": at, "value": show(row, context, at, rest)}


ROWS = {
    "show": show,
    "headers": headers,
    "header": header,
    "status": status,
    "set-header": set_header,
    "content-type": content_type,
    "processor": processor,
    "properties": properties,
    "request-id": request_id,
    "shown-id": shown_id,
    "of-load": of_load,
    "of-request": of_request,
    "remember": remember,
    "equal": equal,
    "mark": mark,
    "marked": lambda *_: memory["mark"],
    "position": position,
}


class Custom:
    pass


def circular():
    found = []
    found.append(found)
    return found


VALUES = {
    "bytes": lambda: bytes(range(256)),
    "bytearray": lambda: bytearray(b"array"),
    "memoryview": lambda: memoryview(b"view"),
    "empty-bytes": lambda: b"",
    "text": lambda: "text \u00fc \u20ac \U0001f600",
    "empty-text": lambda: "",
    "surrogate": lambda: "half \ud83d",
    "dict": lambda: {"b": [1, 2.5, None, True], "a": {"\u00fc": "\u20ac \U0001f600", "empty": [{}, [], ""]}},
    "keys": lambda: {1: "int", 2.5: "float", None: "none", True: "true"},
    "tuple-key": lambda: {(1, 2): "tuple"},
    "list": lambda: [1, [2, [3]], "three"],
    "empty-list": lambda: [],
    "empty-dict": lambda: {},
    "tuple": lambda: (1, ("a", None)),
    "int": lambda: 7,
    "large-int": lambda: 2**80,
    "negative": lambda: -1,
    "float": lambda: 0.1,
    "exponent": lambda: [1e-7, 1e22, 123456789.123456789, 5e-324],
    "nan": lambda: [math.nan, math.inf, -math.inf],
    "true": lambda: True,
    "false": lambda: False,
    "none": lambda: None,
    "escapes": lambda: {"quote": '"\\/\b\f\n\r\t\x01\x7f'},
    "set": lambda: {1, 2},
    "object": Custom,
    "class": lambda: Custom,
    "function": lambda: len,
    "generator": lambda: (number for number in range(3)),
    "complex": lambda: 1j,
    "exception": lambda: ValueError("returned"),
    "long": lambda: "x" * 100000,
    "circular": circular,
}


# For a whole batch.


def raises(error):
    raise error


def raise_from(data, context, rest):
    try:
        raise KeyError("first")
    except KeyError as error:
        raise ValueError("second") from error


def prediction_exception(data, context, rest):
    code, _, message = rest.partition(":")
    raise PredictionException(message, int(code))


def deep(data, context, rest):
    return deep(data, context, rest)


def attributes(data, context, rest):
    from ts.service import PredictionException as of_service

    error = PredictionException("message")
    same = of_service is PredictionException
    return [[error.message, error.error_code, str(error), isinstance(error, Exception), same]] * len(data)


def all_status(data, context, rest):
    context.set_all_response_status(int(rest), "For all")
    return ["all"] * len(data)


def stream(data, context, rest):
    context.set_response_content_type(0, "text/event-stream")
    for piece in rest.split(","):
        pieces = ["%s%d " % (piece, at) for at in range(len(data))]
        send_intermediate_predict_response(pieces, context.request_ids, "Intermediate", 200, context)
    return ["end%d" % at for at in range(len(data))]


def stream_old(data, context, rest):
    send_old(["old "] * len(data), context.request_ids, "Intermediate", 200, context)
    return [""] * len(data)


def stream_values(data, context, rest):
    for value in (b"\x00\xff", bytearray(b"array"), {"a": 1}, 5, None):
        send_intermediate_predict_response([value] * len(data), context.request_ids, "", 200, context)
    return [["last"]] * len(data)


def stream_status(data, context, rest):
    context.set_all_response_status(int(rest), "Of the first")
    send_intermediate_predict_response(["first "] * len(data), context.request_ids, "", 200, context)
    context.set_all_response_status(500, "Of the second")
    context.set_response_header(0, "X-Late", "1")
    send_intermediate_predict_response(["second "] * len(data), context.request_ids, "", 200, context)
    return ["end"] * len(data)


def generate(data, context, rest):
    for _ in data:
        yield "piece"


def set_odd(data, context, rest):
    name, value = {"number": ("X-Odd", 5), "none": ("X-Odd", None), "list": ("X-Odd", ["a"])}[rest]
    context.set_response_header(0, name, value)
    return ["odd header"] * len(data)


WHOLE = {
    "value-error": lambda data, context, rest: raises(ValueError(rest)),
    "key-error": lambda data, context, rest: raises(KeyError(rest)),
    "assertion": lambda data, context, rest: raises(AssertionError(rest)),
    "runtime": lambda data, context, rest: raises(RuntimeError(rest)),
    "stop-iteration": lambda data, context, rest: raises(StopIteration(rest)),
    "os-error": lambda data, context, rest: raises(OSError(28, "No space left on device")),
    "unicode": lambda data, context, rest: raises(UnicodeError("\u00fc\u20ac")),
    "raise-from": raise_from,
    "recursion": deep,
    "memory": lambda data, context, rest: raises(MemoryError(rest)),
    "prediction-exception": prediction_exception,
    "prediction-exception-default": lambda data, context, rest: raises(PredictionException("by default")),
    "attributes": attributes,
    "whole-none": lambda data, context, rest: None,
    "whole-text": lambda data, context, rest: "a text for all",
    "whole-bytes": lambda data, context, rest: b"bytes for all",
    "whole-dict": lambda data, context, rest: {"for": "all"},
    "whole-tuple": lambda data, context, rest: ("row",) * len(data),
    "whole-int": lambda data, context, rest: 5,
    "whole-set": lambda data, context, rest: {"row"},
    "whole-generator": generate,
    "whole-map": lambda data, context, rest: map(str, data),
    "subclass-of-list": lambda data, context, rest: type("Rows", (list,), {})(["row"] * len(data)),
    "too-few": lambda data, context, rest: ["row"] * (len(data) - 1),
    "too-many": lambda data, context, rest: ["row"] * (len(data) + 1),
    "no-rows": lambda data, context, rest: [],
    "same": lambda data, context, rest: data,
    "length": lambda data, context, rest: [len(data)] * len(data),
    "all-status": all_status,
    "stream": stream,
    "stream-old": stream_old,
    "stream-values": stream_values,
    "stream-status": stream_status,
    "set-odd": set_odd,
}
