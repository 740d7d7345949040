"""The class behind the handlers of texts."""

from __future__ import annotations

import os
import re
import string
import unicodedata
from typing import Any, List

from ts.handler_utils.text_utils import get_tokenizer
from ts.torch_handler.base_handler import BaseHandler
from ts.torch_handler.contractions import CONTRACTION_MAP
from ts.torch_handler.requirement import require
from ts.torch_handler.weights import load_weights
from ts.utils.util import CLEANUP_REGEX

SOURCE_VOCAB = "source_vocab.pt"
CONTRACTIONS_PATTERN = re.compile("|".join(map(re.escape, CONTRACTION_MAP)), re.IGNORECASE)
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class TextHandler(BaseHandler):
    """Loads a model and its vocabulary (`source_vocab`: from a word to its number), and cleans texts."""

    _gradients: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.source_vocab: Any = None
        self.tokenizer: Any = get_tokenizer("basic_english")
        self.input_text: Any = None

    def initialize(self, context: Any) -> None:
        """Loads both. Raises Exception where there is no vocabulary."""
        super().initialize(context)
        self.initialized = False
        named = (self.manifest or {}).get("model", {}).get("sourceVocab")  # Of archives before torch-model-archiver 0.2.
        self.source_vocab = load_weights(named or self.get_source_vocab_path(context))
        self.initialized = True

    @property
    def lig(self) -> Any:
        """Captum's integrated gradients at the model's layer `embedding`; Captum is needed for explanations only."""
        if self._gradients is None:
            attr = require("captum.attr", "An explanation")
            self._gradients = attr.LayerIntegratedGradients(self.model, self.model.embedding)
        return self._gradients

    @lig.setter
    def lig(self, value: Any) -> None:
        self._gradients = value

    def get_source_vocab_path(self, ctx: Any) -> str:
        """`source_vocab.pt` in the model's folder. Raises Exception where it is not."""
        path = os.path.join(ctx.system_properties.get("model_dir"), SOURCE_VOCAB)
        if not os.path.isfile(path):
            raise Exception(
                "Missing the source_vocab file. Refer default handler documentation for details on using text_handler."
            )
        return path

    def _expand_contractions(self, text: str) -> str:
        """`I'd` becomes `I would`; apostrophes that are left are dropped."""
        return CONTRACTIONS_PATTERN.sub(_expanded, text).replace("'", "")

    def _remove_accented_characters(self, text: str) -> str:
        return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")

    def _remove_html_tags(self, text: str) -> str:
        return CLEANUP_REGEX.sub("", text)

    def _remove_punctuation(self, text: str) -> str:
        return text.translate(_NO_PUNCTUATION)

    # The name that it had first; subclasses call it.
    _remove_puncutation = _remove_punctuation

    def _tokenize(self, text: str) -> List[str]:
        words: List[str] = self.tokenizer(text)
        return words

    def get_word_token(self, input_tokens: List[str]) -> List[str]:
        """Tokens without the mark that byte-pair encodings put for a blank."""
        return [token.replace("\u0120", "") for token in input_tokens]

    def summarize_attributions(self, attributions: Any) -> Any:
        """Attributions `[words, dimension]` as shares that add up, over the length of their sums."""
        import torch

        shares = attributions.softmax(dim=-1)
        return shares / torch.norm(shares.sum(dim=-1))


def _expanded(found: Any) -> str:
    text: str = found.group(0)
    meaning = CONTRACTION_MAP.get(text) or CONTRACTION_MAP[text.lower()]
    return text[0] + meaning[1:]
