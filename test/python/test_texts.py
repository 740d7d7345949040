"""How texts become words (contract python-handlers §10.5, §12.4)."""

import unittest

from ts.handler_utils.text_utils import get_tokenizer, ngrams_iterator
from ts.torch_handler.contractions import CONTRACTION_MAP
from ts.torch_handler.text_classifier import TextClassifier


class Words(unittest.TestCase):
    def test_basic_english_has_marks_apart_and_no_capitals(self):
        tokens = get_tokenizer("basic_english")("It's \"a\" <br />line, (here); no: more!\n  why?  Yes.")
        self.assertEqual(
            tokens, "it ' s a line , ( here ) no more ! why ? yes .".split()
        )

    def test_there_are_two_tokenizers(self):
        self.assertEqual(get_tokenizer(None)(" A,b  C "), ["A,b", "C"])
        self.assertIsNone(get_tokenizer("spacy"))
        with self.assertRaises(ValueError):
            get_tokenizer("basic_english", language="de")

    def test_neighbours_are_joined(self):
        self.assertEqual(list(ngrams_iterator(["a", "b", "c"], 2)), ["a", "b", "c", "a b", "b c"])
        self.assertEqual(list(ngrams_iterator(["a", "b", "c"], 1)), ["a", "b", "c"])
        self.assertEqual(list(ngrams_iterator([], 3)), [])


class Cleaning(unittest.TestCase):
    def setUp(self):
        self.handler = TextClassifier()

    def test_a_text_goes_through_all_steps(self):
        text = "<p>I'd LIKE the caf\u00e9&nbsp;&#39;here&#39;; don't you? It's 5 o'clock!</p>"
        self.assertEqual(self.handler._cleaned(text), "i would like the cafehere do not you it is 5 of the clock")

    def test_contractions_keep_their_first_letter(self):
        cases = {
            "I'll go": "I will go",
            "Won't": "Will not",
            "CAN'T": "Cannot",
            "she's": "she is",
            "y'all've": "you allve",  # The shorter one is found first, as in the original.
            "rock'n'roll": "rocknroll",
        }
        for text, expanded in cases.items():
            self.assertEqual(self.handler._expand_contractions(text), expanded)

    def test_every_contraction_is_known(self):
        self.assertEqual(len(CONTRACTION_MAP), 123)
        for short, long in (("shouldn't've", "should not have"), ("they'll've", "they will have"), ("what're", "what are")):
            self.assertEqual(CONTRACTION_MAP[short], long)

    def test_the_older_name_of_a_step_still_works(self):
        self.assertEqual(self.handler._remove_puncutation("a.b!"), "ab")
        self.assertEqual(self.handler.get_word_token(["\u0120the", "x"]), ["the", "x"])


if __name__ == "__main__":
    unittest.main()
