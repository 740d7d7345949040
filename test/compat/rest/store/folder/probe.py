"""A handler without torch that does what the request header X-Do says: shows what it got, or fails in one of many ways."""
import json


def handle(data, context):
    if data is None:  # the call at load
        return None
    if context.get_request_header(0, "describe") == "True":
        return [{"made": "for the comparison", "rows": len(data)}]
    return [answer(row, context, index) for index, row in enumerate(data)]


def answer(row, context, index):
    word, _, rest = (context.get_request_header(index, "X-Do") or "show").partition(":")
    return ACTIONS[word](row, context, index, rest)


def show(row, context, index, rest):
    return {name: {"type": type(value).__name__, "value": text(value)} for name, value in sorted(row.items())}


def text(value):
    return value.decode("latin-1") if isinstance(value, (bytes, bytearray)) else value


def headers(row, context, index, rest):
    found = context.get_all_request_header(index)
    return {name: str(value) for name, value in sorted(found.items()) if name not in ("Host",)}


def status(row, context, index, rest):
    code, _, phrase = rest.partition(":")
    context.set_response_status(code=int(code), phrase=phrase, idx=index)
    return "status %s" % code


def header(row, context, index, rest):
    name, _, value = rest.partition("=")
    context.set_response_header(index, name, value)
    return "with a header"


def content_type(row, context, index, rest):
    context.set_response_content_type(index, rest)
    return '{"typed": true}'


def raises(row, context, index, rest):
    raise ValueError(rest)


def memory(row, context, index, rest):
    raise MemoryError(rest)


def prediction_exception(row, context, index, rest):
    from ts.utils.util import PredictionException

    code, _, message = rest.partition(":")
    raise PredictionException(message, int(code))


def stream(row, context, index, rest):
    from ts.handler_utils.utils import send_intermediate_predict_response

    for piece in rest.split(","):
        send_intermediate_predict_response([piece], context.request_ids, "Intermediate", 200, context)
    return "end"


def properties(row, context, index, rest):
    names = ("gpu_id", "batch_size", "server_name", "limit_max_image_pixels")
    found = {name: context.system_properties.get(name) for name in names}
    return {**found, "manifest": sorted(context.manifest), "model_name": context.model_name}


ACTIONS = {
    "show": show,
    "headers": headers,
    "status": status,
    "header": header,
    "content-type": content_type,
    "raise": raises,
    "memory": memory,
    "prediction-exception": prediction_exception,
    "stream": stream,
    "properties": properties,
    "bytes": lambda row, *_: b"\x00\xff raw",
    "bytearray": lambda row, *_: bytearray(b"array"),
    "text": lambda row, *_: "text \u00fc\u20ac",
    "json": lambda row, *_: json.loads('{"a": [1, 2.5, null, true], "\\u00fc": "\\u20ac"}'),
    "number": lambda row, *_: 7,
    "float": lambda row, *_: 0.1,
    "nan": lambda row, *_: float("nan"),
    "none": lambda row, *_: None,
    "empty": lambda row, *_: "",
    "unserialisable": lambda row, *_: {1, 2},
}
