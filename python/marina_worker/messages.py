"""The messages between the server and this worker, and their frames. docs/protocol.md says what each means."""

from __future__ import annotations

import json
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Union

from marina_worker.frames import BrokenFrame, Bytes, FrameReader, Head, encode

PROTOCOL_VERSION = 1

DOWN = {"hello": 1, "load": 2, "jobs": 3, "cancel": 4, "stop": 5}
UP = {
    "hello": 17,
    "loaded": 18,
    "load-failed": 19,
    "credit": 20,
    "started": 21,
    "cancelled": 22,
    "chunk": 23,
    "result": 24,
    "log": 25,
    "metric": 26,
}
_DOWN_KINDS = {number: kind for kind, number in DOWN.items()}

Headers = Dict[str, str]


class FileBody(NamedTuple):
    """A body that lies in a file (shared memory or disk)."""

    file: str
    offset: int
    size: int


class Part(NamedTuple):
    """A named part of a request. `content_type` has no parameters; None where the client gave none."""

    name: str
    content_type: Optional[str]
    body: Union[bytearray, FileBody]


class Tensor(NamedTuple):
    """A tensor of a request: row-major, little-endian."""

    name: str
    type: str
    shape: List[int]
    body: Union[bytearray, FileBody]


class Job(NamedTuple):
    """One request. `announced`: the server knows that it starts on arrival."""

    key: int
    id: str
    operation: str
    headers: Headers
    parts: Sequence[Part]
    tensors: Optional[Sequence[Tensor]]
    announced: bool


# A model's YAML that the server has not read; None is that of an empty file.
UNREAD = object()


class Hello(NamedTuple):
    version: int


class Load(NamedTuple):
    """What to load. `device` is `cpu` or `cuda:0`…; `model_config` is the model's YAML as the server read it, or UNREAD;
    `metrics` are those that are defined for handlers, or None for the built-in ones.
    `threads` are for native code."""

    model: str
    version: str
    model_dir: str
    handler: str
    batch_size: int
    device: str
    retry_items: bool
    limit_max_image_pixels: bool
    envelope: Optional[str]
    installed_ts: bool
    model_config: Any
    threads: int
    metrics: Optional[List[Dict[str, Any]]] = None
    log_level: str = "info"


class Jobs(NamedTuple):
    jobs: List[Job]


class Cancel(NamedTuple):
    keys: List[int]


class Stop(NamedTuple):
    pass


DownMessage = Union[Hello, Load, Jobs, Cancel, Stop]


def read(reader: FrameReader, wait: bool) -> Optional[DownMessage]:
    """The server's next message; None if `wait` is false and there is none. Raises EOFError and BrokenFrame."""
    head = reader.next(wait)
    if head is None:
        return None
    try:
        message = _message_of(head, reader)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BrokenFrame(f"its header lacks or garbles a field: {error!r}") from None
    reader.end()
    return message


def _message_of(head: Head, reader: FrameReader) -> DownMessage:
    kind, header = _DOWN_KINDS.get(head.kind), head.header
    if kind == "jobs":
        start = header["start"]
        return Jobs([_job_of(job, start, reader) for job in header["jobs"]])
    if kind == "cancel":
        return Cancel(list(header["keys"]))
    if kind == "stop":
        return Stop()
    if kind == "hello":
        return Hello(header["version"])
    if kind == "load":
        return load_of(header)
    raise BrokenFrame(f"its kind {head.kind} is unknown")


def load_of(header: Dict[str, Any]) -> Load:
    """The fields of a `load`. Raises KeyError for one that is not there."""
    return Load(
        model=header["model"],
        version=header["version"],
        model_dir=header["modelDir"],
        handler=header["handler"],
        batch_size=header["batchSize"],
        device=header["device"],
        retry_items=header["retryItems"],
        limit_max_image_pixels=header.get("limitMaxImagePixels", True),
        envelope=header.get("envelope"),
        installed_ts=header.get("installedTs", False),
        model_config=header.get("modelConfig", UNREAD),
        threads=header["threads"],
        metrics=header.get("metrics"),
        log_level=header.get("logLevel", "info"),
    )


def _job_of(job: Dict[str, Any], start: bool, reader: FrameReader) -> Job:
    given = job["input"]
    parts: List[Part] = []
    tensors: Optional[List[Tensor]] = None
    if given["kind"] == "parts":
        for part in given["parts"]:
            parts.append(Part(part["name"], part.get("contentType"), _body_of(part["body"], reader)))
    else:
        tensors = [
            Tensor(tensor["name"], tensor["type"], tensor["shape"], _body_of(tensor["body"], reader))
            for tensor in given["tensors"]
        ]
    return Job(job["key"], job["id"], job["operation"], job["headers"], parts, tensors, start)


def _body_of(header: Dict[str, Any], reader: FrameReader) -> Union[bytearray, FileBody]:
    if "file" in header:
        return FileBody(header["file"], header["offset"], header["bytes"])
    return reader.body(header["bytes"])


class Timing(NamedTuple):
    """Microseconds in each phase of a batch, and its number of jobs."""

    preprocess_us: int
    inference_us: int
    postprocess_us: int
    batch: int

    def fields(self) -> Dict[str, int]:
        return {
            "preprocessUs": self.preprocess_us,
            "inferenceUs": self.inference_us,
            "postprocessUs": self.postprocess_us,
            "batch": self.batch,
        }


class Reply(NamedTuple):
    """A job's answer. `phrase` is the reason phrase of its status."""

    status: int
    headers: Headers
    body: Bytes
    phrase: str = ""


class Failure(NamedTuple):
    """Why a job has no answer: `reason` as in docs/protocol.md, `where` is `file:line` of the user's code."""

    reason: str
    status: int
    message: str
    where: Optional[str] = None
    trace: Optional[str] = None


Outcome = Union[Reply, Failure]


def message(kind: str, **fields: Any) -> List[Bytes]:
    """The frame of a message without bodies; fields that are None are left out."""
    return encode(UP[kind], _json({name: value for name, value in fields.items() if value is not None}))


def chunk(key: int, head: Optional[Reply], body: Bytes) -> List[Bytes]:
    """The frame of one piece of a streamed answer; status and headers of `head` stand in the first."""
    fields: Dict[str, Any] = {"key": key}
    if head is not None:
        fields["head"] = _with_phrase({"status": head.status, "headers": head.headers}, head.phrase)
    fields["body"] = {"bytes": len(body)}
    return encode(UP["chunk"], _json(fields), [body])


def result(key: int, outcome: Outcome, timing: Timing) -> List[Bytes]:
    """The frame of a job's end."""
    if isinstance(outcome, Failure):
        return _failed(key, outcome, timing)
    status, headers, body, phrase = outcome
    # The usual answer, without a JSON encoder: this is on the path of each request.
    pre, inf, post, batch = timing
    text = (
        f'{{"key":{key},"timing":{{"preprocessUs":{pre},"inferenceUs":{inf},"postprocessUs":{post},"batch":{batch}}},'
        f'"outcome":{{"kind":"ok","status":{status},"headers":'
    )
    rest = f',"phrase":{json.dumps(phrase)}' if phrase else ""
    header = text.encode() + (_json(headers) if headers else b"{}")
    return encode(UP["result"], header + f',"body":{{"bytes":{len(body)}}}{rest}}}}}'.encode(), [body])


def _failed(key: int, failure: Failure, timing: Timing) -> List[Bytes]:
    fields = {name: value for name, value in failure._asdict().items() if value is not None}
    return message("result", key=key, timing=timing.fields(), outcome={"kind": "failed", **fields})


def _with_phrase(fields: Dict[str, Any], phrase: str) -> Dict[str, Any]:
    return {**fields, "phrase": phrase} if phrase else fields


def _json(value: Any) -> bytes:
    # Half of a surrogate pair is no UTF-8: such a character of a log line or a header becomes a question mark.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
