"""The built-in handler `text_classifier`: which class a text belongs to. It takes one request at a time."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from ts.handler_utils.text_utils import ngrams_iterator
from ts.torch_handler.text_handler import TextHandler
from ts.torch_handler.requirement import require
from ts.utils.util import map_class_to_label


class TextClassifier(TextHandler):
    """Answers a text with the probabilities of all classes. The model takes word numbers `[words]` and offsets `[1]`."""

    ngrams = 2

    def preprocess(self, data: List[Dict[str, Any]]) -> Tuple[Any, List[str]]:
        """The numbers of the words and of their groups of up to `ngrams`, and the words, of the first row. Raises KeyError
        for a word that the vocabulary has not."""
        import torch

        text = data[0].get("data") or data[0].get("body")
        words = self._tokenize(self._cleaned(text.decode("utf-8") if isinstance(text, (bytes, bytearray)) else text))
        numbers = [self.source_vocab[token] for token in ngrams_iterator(words, self.ngrams)]
        return torch.as_tensor(numbers, device=self.device), words

    def _cleaned(self, text: str) -> str:
        text = self._expand_contractions(self._remove_html_tags(text).lower())
        return self._remove_punctuation(self._remove_accented_characters(text))

    def inference(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """Scores `[1, classes]` for what `preprocess` made."""
        import torch

        return super().inference(data[0], torch.as_tensor([0], device=self.device))

    def postprocess(self, data: Any) -> List[Dict[str, float]]:
        """The probabilities by name, from scores `[1, classes]`."""
        return map_class_to_label(data.softmax(dim=-1).tolist(), self.mapping)

    def get_insights(self, text_preprocess: Any, _: Any, target: int = 0) -> List[Dict[str, Any]]:
        """The importance of each word for the class `target`."""
        import torch

        numbers, words = text_preprocess
        reference = require("captum.attr", "An explanation").TokenReferenceBase()
        attributions = self.lig.attribute(
            numbers,
            reference.generate_reference(numbers.shape[0], device=self.device).squeeze(0),
            additional_forward_args=torch.tensor([0], device=self.device),
            return_convergence_delta=False,
            target=target,
        )
        importances = self.summarize_attributions(attributions).tolist()
        return [{"importances": importances, "words": self.get_word_token(words)}]
