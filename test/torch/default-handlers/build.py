"""Builds the models that test the built-in handlers, from seeds, and their inputs:

    python build.py FOLDER      writes FOLDER/<case>/… and FOLDER/inputs/…

Each case is a folder with the files of an archive and model.json: {"handler", "serializedFile", "modelFile"?, "extraFiles"}.
Weights are torchvision's own initialisation, random; the seeds are such that there is something to see.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any, Callable, Dict, List

import numpy
import torch
import torchvision
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
SEEDS = {"classifier": 3, "segmenter": 5, "detector": 7, "text": 11}
WORDS = "i you we would not like the film was is a great bad long and boring never again".split()


def classifier() -> torch.nn.Module:
    return torchvision.models.shufflenet_v2_x0_5(weights=None, num_classes=10)


def segmenter() -> torch.nn.Module:
    models = torchvision.models.segmentation
    return models.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=4)


def detector() -> torch.nn.Module:
    models = torchvision.models.detection
    return models.ssdlite320_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=3, detections_per_img=8, topk_candidates=40
    )


class Out(torch.nn.Module):
    """A segmenter with one tensor as its answer, as ONNX wants it."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.model(images)["out"]


class Words(torch.nn.Module):
    """A text model that takes one text, without offsets."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        return self.model.layer(self.model.embedding.weight[words].mean(0, keepdim=True))


class Detections(torch.nn.Module):
    """A scripted detector takes a list, and answers with losses too."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> List[Dict[str, torch.Tensor]]:
        listed: List[torch.Tensor] = []
        for image in images:
            listed.append(image)
        return self.model(listed)[1]


def seeded(name: str, make: Callable[[], torch.nn.Module], last: str = "") -> torch.nn.Module:
    """A network from its seed. Its norms are set by a few pictures, so that signals come through, and the layers whose names
    hold `last` speak louder than torchvision has them: answers far apart."""
    torch.manual_seed(SEEDS[name])
    model = make().eval()
    for layer, parameter in model.named_parameters():
        if last and last in layer and parameter.dim() > 1:
            parameter.data.mul_(LOUDER[name])
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    if norms:
        to_tensor = torchvision.transforms.ToTensor()
        with torch.no_grad():
            model(torch.stack([to_tensor(picture(seed, 320, 240)) for seed in range(100, 108)]))
    return model.eval()


# By how much.
LOUDER = {"classifier": 2.0, "segmenter": 0.3, "detector": 2.0}


def case(folder: str, handler: str, files: Dict[str, Any], **facts: Any) -> None:
    """Writes a case: `files` by name, each a function that writes it, or the name of a file beside this one."""
    os.makedirs(folder)
    for name, source in files.items():
        target = os.path.join(folder, name)
        if isinstance(source, str):
            shutil.copy(os.path.join(HERE, source), target)
        else:
            source(target)
    known = {handler, facts.get("serializedFile"), facts.get("modelFile")}
    facts["extraFiles"] = [name for name in files if name not in known]
    with open(os.path.join(folder, "model.json"), "w", encoding="utf-8") as file:
        json.dump({"handler": handler, **facts}, file)


def saved(value: Any) -> Callable[[str], None]:
    return lambda path: torch.save(value, path)


def scripted(model: torch.nn.Module) -> Callable[[str], None]:
    return lambda path: torch.jit.script(model).save(path)


def exported(model: torch.nn.Module, example: torch.Tensor, outputs: List[str]) -> Callable[[str], None]:
    def write(path: str) -> None:
        names = {"input_names": ["input"], "output_names": outputs, "dynamic_axes": {"input": {0: "first"}}}
        torch.onnx.export(model, (example,), path, opset_version=13, **names)

    return write


def names(count: int) -> Callable[[str], None]:
    def write(path: str) -> None:
        with open(path, "w", encoding="utf-8") as file:
            json.dump({str(at): [f"n{at:04}", f"class {at}"] for at in range(count)}, file)

    return write


def three(folder: str, name: str, handler: str, model: torch.nn.Module, parts: Dict[str, Any]) -> None:
    """The model as eager weights, as TorchScript and as ONNX."""
    labels = {"index_to_name.json": names(parts["classes"])}
    eager = {"weights.pt": saved(model.state_dict()), f"{name}_model.py": f"models/{name}_model.py", **labels}
    facts = {"serializedFile": "weights.pt", "modelFile": f"{name}_model.py"}
    case(os.path.join(folder, f"{name}-eager"), handler, eager, **facts)
    script = {"model.pt": scripted(parts.get("script", model)), **labels}
    case(os.path.join(folder, f"{name}-script"), handler, script, serializedFile="model.pt")
    write = exported(parts.get("onnx", model), parts["example"], parts["outputs"])
    onnx = {"model.onnx": write, f"{name}_onnx.py": f"models/{name}_onnx.py", **labels}
    case(os.path.join(folder, f"{name}-onnx"), f"{name}_onnx.py", onnx, serializedFile="model.onnx")


def text_cases(folder: str) -> None:
    """A bag of words and of pairs of words; the vocabulary is a plain dict."""
    sys.path.insert(0, os.path.join(HERE, "models"))
    from text_model import TextModel

    pairs = [f"{one} {two}" for one in WORDS for two in WORDS]
    vocabulary = saved({word: at for at, word in enumerate([*WORDS, *pairs])})
    parts = {"source_vocab.pt": vocabulary, "index_to_name.json": names(3)}
    model = seeded("text", TextModel)
    eager = {"weights.pt": saved(model.state_dict()), "text_model.py": "models/text_model.py", **parts}
    facts = {"serializedFile": "weights.pt", "modelFile": "text_model.py"}
    case(os.path.join(folder, "text-eager"), "text_classifier", eager, **facts)
    script = {"model.pt": scripted(model), **parts}
    case(os.path.join(folder, "text-script"), "text_classifier", script, serializedFile="model.pt")
    write = exported(Words(model), torch.tensor([1, 2, 3]), ["scores"])
    onnx = {"model.onnx": write, "text_onnx.py": "models/text_onnx.py", **parts}
    case(os.path.join(folder, "text-onnx"), "text_onnx.py", onnx, serializedFile="model.onnx")


def picture(seed: int, width: int, height: int) -> Image.Image:
    """Coloured blocks over a slope: large shapes, which survive scaling."""
    random = numpy.random.RandomState(seed)
    slope = numpy.linspace(0, 160, width)[None, :, None] + numpy.zeros((height, 1, 3))
    for _ in range(6):
        top, left = random.randint(0, height - 20), random.randint(0, width - 20)
        slope[top : top + height // 3, left : left + width // 3] = random.randint(0, 256, 3)
    return Image.fromarray(slope.astype("uint8"))


def main(folder: str) -> None:
    inputs = os.path.join(folder, "inputs")
    os.makedirs(inputs)
    for at, size in enumerate(((320, 240), (320, 240))):
        picture(at, *size).save(os.path.join(inputs, f"picture-{at}.png"))
    square = torch.rand(1, 3, 224, 224)
    three(
        folder,
        "classifier",
        "image_classifier",
        seeded("classifier", classifier, "fc"),
        {"classes": 10, "example": square, "outputs": ["scores"]},
    )
    model = seeded("segmenter", segmenter, "_classifier")
    parts = {"classes": 4, "example": square, "outputs": ["out"], "onnx": Out(model)}
    three(folder, "segmenter", "image_segmenter", model, parts)
    model = seeded("detector", detector, "classification_head")
    parts = {"classes": 3, "example": torch.rand(1, 3, 240, 320), "outputs": ["boxes", "scores", "labels"]}
    three(folder, "detector", "object_detector", model, {**parts, "script": Detections(model)})
    text_cases(folder)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
