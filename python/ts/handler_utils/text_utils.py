"""Words of a text, and groups of them."""

from __future__ import annotations

from typing import Callable, Iterator, List, Optional

Tokenizer = Callable[[str], List[str]]

# Marks that are words of their own, marks that part words, and one that is dropped.
_ENGLISH = str.maketrans({**{mark: f" {mark} " for mark in "'.,()!?"}, ";": " ", ":": " ", '"': ""})


def get_tokenizer(tokenizer: Optional[str], language: str = "en") -> Optional[Tokenizer]:
    """From text to words: `basic_english` in lower case with the marks apart, None parts at white space; None for other names.
    Raises ValueError for `basic_english` in another language."""
    if tokenizer is None:
        return str.split
    if tokenizer != "basic_english":
        return None
    if language != "en":
        raise ValueError(f"basic_english is a tokenizer of English (en), not of {language}")
    return _basic_english


def _basic_english(text: str) -> List[str]:
    return text.lower().replace("<br />", " ").translate(_ENGLISH).split()


def ngrams_iterator(token_list: List[str], ngrams: int) -> Iterator[str]:
    """The words, then each two neighbours with a blank between, and so on up to `ngrams` neighbours."""
    for size in range(1, ngrams + 1):
        for at in range(len(token_list) - size + 1):
            yield " ".join(token_list[at : at + size])
