"""English contractions and what they stand for."""

from __future__ import annotations

from typing import Dict

# What a suffix means, and the words that it is put to; a word with `+` takes 've ("have") behind it too.
_SUFFIXES = {
    "n't": ("not", "are could+ did does do had+ has have is may might+ must+ need+ ought+ should+ was were would+"),
    "'d": ("would", "he+ I+ i+ it+ she+ that+ there+ they+ we+ you+"),
    "'ll": ("will", "he+ how I+ i+ it+ she+ they+ we+ what+ who+ you+"),
    "'s": ("is", "he how it she that there what when where who why"),
    "'re": ("are", "they we what you"),
    "'ve": ("have", "could I i might must should so they to we what when where who why will would you"),
    "'m": ("am", "I i"),
}
_IRREGULAR = {
    "ain't": "is not",
    "can't": "cannot",
    "can't've": "cannot have",
    "shan't": "shall not",
    "shan't've": "shall not have",
    "sha'n't": "shall not",
    "won't": "will not",
    "won't've": "will not have",
    "how'd": "how did",
    "how'd'y": "how do you",
    "where'd": "where did",
    "let's": "let us",
    "so's": "so as",
    "ma'am": "madam",
    "o'clock": "of the clock",
    "'cause": "because",
    "y'all": "you all",
    "y'all'd": "you all would",
    "y'all'd've": "you all would have",
    "y'all're": "you all are",
    "y'all've": "you all have",
}


def _regular() -> Dict[str, str]:
    made: Dict[str, str] = {}
    for suffix, (meaning, words) in _SUFFIXES.items():
        for word in words.split():
            stem = word.rstrip("+")
            made[stem + suffix] = f"{stem} {meaning}"
            if stem != word:
                made[f"{stem}{suffix}'ve"] = f"{stem} {meaning} have"
    return made


# Shorter ones first: in text "he'd" is found before "he'd've", and the rest stays, as TorchServe has it.
CONTRACTION_MAP: Dict[str, str] = dict(sorted({**_regular(), **_IRREGULAR}.items(), key=lambda pair: len(pair[0])))
