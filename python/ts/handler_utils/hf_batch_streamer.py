"""Texts of several prompts, piece by piece while transformers generates them."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional

from ts.torch_handler.requirement import require

_streamers = require("transformers.generation.streamers", "TextIteratorStreamerBatch")


class TextIteratorStreamerBatch(_streamers.BaseStreamer):  # type: ignore[misc,name-defined]
    """A streamer for `model.generate` of `batch_size` prompts; iterated elsewhere it gives one `{"text": piece}` for each prompt
    and step, until the first of them ends."""

    def __init__(
        self,
        tokenizer: Any,
        batch_size: int,
        skip_prompt: bool = False,
        timeout: Optional[float] = None,
        **decode_kwargs: Any,
    ) -> None:
        self.batch_size = batch_size
        self.streamers = [
            _streamers.TextIteratorStreamer(tokenizer, skip_prompt=skip_prompt, timeout=timeout, **decode_kwargs)
            for _ in range(batch_size)
        ]
        self._pieces = zip(*self.streamers)

    def put(self, value: Any) -> None:
        """The next tokens, `[batch_size, …]`. Raises ValueError for another number of rows."""
        if value.shape[0] != self.batch_size:
            raise ValueError(f"there are {self.batch_size} prompts, and tokens of the shape {value.shape} came")
        for at, streamer in enumerate(self.streamers):
            streamer.put(value[at : at + 1])

    def end(self) -> None:
        """There are no more tokens."""
        for streamer in self.streamers:
            streamer.end()

    def __iter__(self) -> Iterator[List[Dict[str, str]]]:
        return self

    def __next__(self) -> List[Dict[str, str]]:
        return [{"text": piece} for piece in next(self._pieces)]
