"""The handlers of pictures with a real torch and Pillow: what requests may hold, and what subclasses change (contract §10)."""

import base64
import io
import os
import pickle
import sys
import tempfile
import unittest
from unittest import mock

import torch
from PIL import Image

from ts.context import Context
from ts.torch_handler.image_classifier import ImageClassifier
from ts.torch_handler.image_segmenter import ImageSegmenter
from ts.torch_handler.object_detector import ObjectDetector
from ts.torch_handler.text_classifier import TextClassifier
from ts.torch_handler.vision_handler import VisionHandler


def png(width=40, height=30, mode="RGB"):
    data = io.BytesIO()
    Image.new(mode, (width, height), 128).save(data, "png")
    return data.getvalue()


def on_cpu(handler):
    handler.device = torch.device("cpu")
    return handler


class Requests(unittest.TestCase):
    def test_pictures_come_as_bytes_as_base64_and_as_numbers(self):
        detector = on_cpu(ObjectDetector())
        picture = png()
        rows = [{"data": picture}, {"body": bytearray(picture)}, {"body": base64.b64encode(picture).decode()}]
        rows.append({"body": [[[0.5] * 40] * 30] * 3})
        self.assertEqual(detector.preprocess(rows).shape, (4, 3, 30, 40))
        self.assertEqual(on_cpu(ImageClassifier()).preprocess(rows[:3]).shape, (3, 3, 224, 224))

    def test_colours_are_left_as_they_are(self):
        self.assertEqual(on_cpu(ObjectDetector()).preprocess([{"body": png(mode="L")}]).shape, (1, 1, 30, 40))

    def test_pickles_do_not_run_in_any_built_in_handler(self):
        with tempfile.TemporaryDirectory() as folder:
            marker = os.path.join(folder, "marker")

            class Marks:
                def __reduce__(self):
                    return (open, (marker, "w"))

            saved = io.BytesIO()
            torch.save(Marks(), saved)
            for make in (ImageClassifier, ImageSegmenter, ObjectDetector, TextClassifier):
                handler = on_cpu(make())
                handler.source_vocab = {}
                for body in (pickle.dumps(Marks()), saved.getvalue(), base64.b64encode(pickle.dumps(Marks())).decode()):
                    with self.assertRaises(Exception):
                        handler.preprocess([{"body": body}])
            self.assertFalse(os.path.exists(marker))


class Classes(unittest.TestCase):
    scores = torch.tensor([[0.0, 2.0, 1.0]])

    def test_are_the_likeliest_by_name_or_by_number(self):
        handler = ImageClassifier()
        handler.set_max_result_classes(2)
        self.assertEqual(handler.get_max_result_classes(), 2)
        [answer] = handler.postprocess(self.scores)
        self.assertEqual(list(answer), ["1", "2"])
        self.assertAlmostEqual(answer["1"], 0.66524, places=4)
        handler.mapping = {"1": "one", "2": "two"}
        self.assertEqual(list(handler.postprocess(self.scores)[0]), ["one", "two"])

    def test_that_are_fewer_than_asked_for_or_have_no_name_raise(self):
        handler = ImageClassifier()
        with self.assertRaises(RuntimeError):
            handler.postprocess(self.scores)
        handler.topk, handler.mapping = 2, {"0": "zero"}
        with self.assertRaises(KeyError):
            handler.postprocess(self.scores)

    def test_of_pixels_come_with_their_probability(self):
        out = torch.zeros(1, 2, 1, 2)
        out[0, 1, 0, 1] = 100.0
        self.assertEqual(ImageSegmenter().postprocess({"out": out}), [[[[0.0, 0.5], [1.0, 1.0]]]])

    def test_of_boxes_are_those_above_the_threshold_in_the_models_order(self):
        found = {
            "boxes": torch.tensor([[1.0, 2, 3, 4], [5, 6, 7, 8], [9, 9, 9, 9]]),
            "labels": torch.tensor([2, 1, 1]),
            "scores": torch.tensor([0.5, 0.75, 0.25]),
        }
        handler = ObjectDetector()
        handler.mapping = {"1": "person", "2": "bag"}
        expected = [[{"bag": [1, 2, 3, 4], "score": 0.5}, {"person": [5, 6, 7, 8], "score": 0.75}], []]
        none = {key: value[:0] for key, value in found.items()}
        self.assertEqual(handler.postprocess([found, none]), expected)


class Subclasses(unittest.TestCase):
    def test_bring_their_own_processing(self):
        class Mine(VisionHandler):
            image_processing = staticmethod(lambda image: torch.tensor(image.size))

        self.assertEqual(on_cpu(Mine()).preprocess([{"body": png()}]).tolist(), [[40, 30]])

    def test_explain_only_with_captum(self):
        handler = ImageClassifier()
        with mock.patch.dict(sys.modules, {"captum": None, "captum.attr": None}):
            with self.assertRaisesRegex(ImportError, "An explanation needs captum"):
                handler.get_insights(torch.zeros(1), None)
        handler.ig = mock.Mock(attribute=lambda tensor, target, n_steps: tensor * target + n_steps)
        self.assertEqual(handler.get_insights(torch.tensor([1.0]), None, 2), [17.0])

    def test_lift_pillows_bound_only_where_the_server_says_so(self):
        with mock.patch("ts.torch_handler.base_handler.BaseHandler.initialize"):
            with mock.patch.object(Image, "MAX_IMAGE_PIXELS", 5):
                for limited, bound in ((True, 5), (False, None)):
                    context = Context("m", "/dir", {}, 1, None, "0", limited)
                    ImageClassifier().initialize(context)
                    self.assertEqual(Image.MAX_IMAGE_PIXELS, bound)


if __name__ == "__main__":
    unittest.main()
