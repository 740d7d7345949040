"""Whole messages of the worker protocol as JSON-like dicts, over the frames of python/marina_worker.

test/fixtures/frames/make.py writes the stored frames with it, peer.py is a worker that speaks it. It shares no line with
src/protocol, so that the two can disagree.
"""

import json
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "python"))
from marina_worker import frames  # noqa: E402
from marina_worker.messages import DOWN, UP  # noqa: E402,F401


def is_body(value):
    return isinstance(value, dict) and value.get("kind") in ("inline", "file")


def take_bodies(value, bodies):
    """The header of a message: each body is replaced by its size or its place; inline bytes go to `bodies`, in order."""
    if is_body(value):
        if value["kind"] == "file":
            return {"file": value["file"], "offset": value["offset"], "bytes": value["bytes"]}
        bodies.append(value["data"])
        return {"bytes": len(value["data"])}
    if isinstance(value, dict):
        return {key: take_bodies(item, bodies) for key, item in value.items()}
    if isinstance(value, list):
        return [take_bodies(item, bodies) for item in value]
    return value


def encode(numbers, message):
    """A message as the bytes of one frame."""
    fields = {key: value for key, value in message.items() if key != "kind"}
    bodies = []
    header = json.dumps(take_bodies(fields, bodies), separators=(",", ":"), ensure_ascii=False)
    return b"".join(frames.encode(numbers[message["kind"]], header.encode(), bodies))


def give_bodies(value, reader):
    """The message of a header: under each key `body` stands the body again, taken from the reader in order."""
    if isinstance(value, list):
        return [give_bodies(item, reader) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: body_of(item, reader) if key == "body" else give_bodies(item, reader) for key, item in value.items()
    }


def body_of(header, reader):
    if "file" in header:
        return {"kind": "file", **header}
    return {"kind": "inline", "data": bytes(reader.body(header["bytes"]))}


def read(numbers, reader):
    """The next message of a FrameReader, or None at the stream's end."""
    try:
        head = reader.next(True)
    except EOFError:
        return None
    kinds = {number: kind for kind, number in numbers.items()}
    message = {"kind": kinds[head.kind], **give_bodies(head.header, reader)}
    reader.end()
    return message


def of_file(path):
    """A FrameReader of a stored frame."""
    near, far = socket.socketpair()
    with open(path, "rb") as file:
        near.sendall(file.read())
    near.close()
    return frames.FrameReader(far)


def shown(value):
    """A message as JSON can say it: bytes as hexadecimal digits."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    return value
