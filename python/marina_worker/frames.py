"""The bytes of the worker protocol: how a frame is written, and how frames are read from a socket.

    u32 kind · u32 header bytes · u64 body bytes · header (JSON, padded with blanks) · bodies (each padded with zeros)

Little-endian; all lengths are multiples of 8. docs/protocol.md is this file in words, src/protocol/frame.ts in TypeScript.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any, List, NamedTuple, Optional, Sequence, Union

PREFIX = struct.Struct("<IIQ")
MAX_HEADER_BYTES = 16 * 2**20
MAX_BODY_BYTES = 2**32 - 2 * MAX_HEADER_BYTES
# What one read takes: many small frames at once. Bodies that are larger are read into their own place.
READ_BYTES = 128 * 1024

Bytes = Union[bytes, bytearray, memoryview]


class BrokenFrame(Exception):
    """Bytes that are no frame; the stream is of no use after them."""


class Head(NamedTuple):
    """A frame whose bodies are still to be taken."""

    kind: int
    header: Any


def encode(kind: int, header: bytes, bodies: Sequence[Bytes] = ()) -> List[Bytes]:
    """A frame as pieces to be written in order; the bodies are not copied. Raises ValueError when it is too large."""
    header_bytes = len(header) + -len(header) % 8
    body_bytes = sum(len(body) + -len(body) % 8 for body in bodies)
    if header_bytes > MAX_HEADER_BYTES or body_bytes > MAX_BODY_BYTES:
        raise ValueError(f"a message of {header_bytes} and {body_bytes} bytes is over the limits of the protocol")
    pieces: List[Bytes] = [PREFIX.pack(kind, header_bytes, body_bytes) + header.ljust(header_bytes)]
    for body in bodies:
        pieces.append(body)
        if len(body) % 8:
            pieces.append(bytes(-len(body) % 8))
    return pieces


# Without the search for white space around the value, a quarter of what `json.loads` takes for a header.
_scan = json.JSONDecoder().scan_once


def _parse(header: memoryview) -> Any:
    try:
        text = str(header, "utf-8")
        value, end = _scan(text, 0)
    except (ValueError, StopIteration, RecursionError):
        raise BrokenFrame("its header is not JSON") from None
    if end < len(text) and text[end:].strip(" "):
        raise BrokenFrame("its header is more than one value")
    return value


class FrameReader:
    """Reads frames from a blocking socket. After each `next` its bodies have to be taken, in order, and `end` called."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._at = 0
        self._end = 0
        self._body_bytes = 0

    def next(self, wait: bool) -> Optional[Head]:
        """The next frame; None if `wait` is false and none has begun to arrive. Raises EOFError at the stream's end."""
        if self._end - self._at < PREFIX.size and not self._fill(PREFIX.size, wait):
            return None
        kind, header_bytes, body_bytes = PREFIX.unpack_from(self._buffer, self._at)
        if header_bytes > MAX_HEADER_BYTES or body_bytes > MAX_BODY_BYTES:
            raise BrokenFrame(f"its lengths {header_bytes} and {body_bytes} are over the limits")
        if header_bytes % 8 or body_bytes % 8:
            raise BrokenFrame(f"its lengths {header_bytes} and {body_bytes} are no multiples of 8")
        self._at += PREFIX.size
        if self._end - self._at < header_bytes:
            self._fill(header_bytes, True)
        at, self._at = self._at, self._at + header_bytes
        self._body_bytes = body_bytes
        return Head(kind, _parse(self._buffer[at : self._at]))

    def body(self, size: int) -> bytearray:
        """The next body of the frame, in a buffer of its own."""
        padding = -size % 8
        if size + padding > self._body_bytes:
            raise BrokenFrame(f"a body of {size} bytes is not in it")
        self._body_bytes -= size + padding
        rest = size + padding - (self._end - self._at)
        if 0 < rest < READ_BYTES // 2 and size + padding <= READ_BYTES:
            self._fill(size + padding, True)
            rest = 0
        if rest <= 0:
            data = bytearray(self._buffer[self._at : self._at + size])
            self._at += size + padding
            return data
        data = bytearray(size)
        have = min(size, self._end - self._at)
        data[:have] = self._buffer[self._at : self._at + have]
        self._at = self._end = 0
        self._read_into(memoryview(data)[have:])
        if padding:
            self._fill(padding, True)
            self._at += padding
        return data

    def end(self) -> None:
        """To be called when all bodies are taken."""
        if self._body_bytes:
            raise BrokenFrame(f"{self._body_bytes} bytes of its bodies belong to nothing")

    def _fill(self, wanted: int, wait: bool) -> bool:
        """Reads until `wanted` bytes lie in one piece; false if `wait` is false and nothing has arrived."""
        have = self._end - self._at
        if self._at + wanted > len(self._buffer) or have == 0:
            room = self._buffer if wanted <= len(self._buffer) else memoryview(bytearray(wanted))
            room[:have] = bytes(self._buffer[self._at : self._end])
            self._buffer, self._at, self._end = room, 0, have
        while self._end - self._at < wanted:
            try:
                flags = 0 if wait or have else socket.MSG_DONTWAIT
                count = self._socket.recv_into(self._buffer[self._end :], 0, flags)
            except BlockingIOError:
                return False
            if count == 0:
                raise EOFError
            self._end += count
            have += count
        return True

    def _read_into(self, room: memoryview) -> None:
        while len(room):
            count = self._socket.recv_into(room)
            if count == 0:
                raise EOFError
            room = room[count:]
