"""Helpers that handlers import."""

from __future__ import annotations

import enum
import functools
import json
import logging
import os
import re
import warnings
from typing import Any, Callable, Dict, List, Optional

logger = logging.getLogger(__name__)

CLEANUP_REGEX = re.compile("<.*?>|&([a-z0-9]+|#[0-9]{1,6}|#x[0-9a-f]{1,6});")


class PT2Backend(str, enum.Enum):
    """What a model's configuration may name for torch.compile."""

    EAGER = "eager"
    AOT_EAGER = "aot_eager"
    INDUCTOR = "inductor"
    NVFUSER = "nvfuser"
    AOT_NVFUSER = "aot_nvfuser"
    AOT_CUDAGRAPHS = "aot_cudagraphs"
    OFI = "ofi"
    FX2TRT = "fx2trt"
    ONNXRT = "onnxrt"
    IPEX = "ipex"
    TORCHXLA_TRACE_ONCE = "torchxla_trace_once"
    OPENVINO = "openvino"
    TENSORRT = "tensorrt"
    HPU_BACKEND = "hpu_backend"


def check_valid_pt2_backend(backend: str) -> bool:
    """Whether there is such a backend; one that there is not is warned of."""
    if backend in {each.value for each in PT2Backend}:
        return True
    logger.warning("%s is not a supported backend", backend)
    return False


class PredictionException(Exception):
    """Fails the requests in hand with this status and text."""

    def __init__(self, message: str, error_code: int = 500) -> None:
        self.message = message
        self.error_code = error_code
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message} : {self.error_code}"


def list_classes_from_module(module: Any, parent_class: Optional[type] = None) -> List[type]:
    """The classes that are defined in a module, in the order of their names; only subclasses of `parent_class` if given."""
    found_by_name = sorted((name, found) for name, found in vars(module).items() if isinstance(found, type))
    classes = [found for _, found in found_by_name if found.__module__ == module.__name__]
    return [found for found in classes if parent_class is None or issubclass(found, parent_class)]


def get_yaml_config(yaml_file_path: str) -> Any:
    """A YAML file, read by PyYAML's safe loader."""
    import yaml

    with open(yaml_file_path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def load_label_mapping(mapping_file_path: str) -> Optional[Dict[str, str]]:
    """Names of classes from index_to_name.json; None, and a warning, where there is none. Raises Exception for another
    shape than `{"0": "cat"}`, `{"0": ["n01", "cat"]}` or `{"object_type_names": ["cat"]}`."""
    if not os.path.isfile(mapping_file_path):
        logger.warning("'%s' is missing. Inference output will not include class name.", mapping_file_path)
        return None
    with open(mapping_file_path, encoding="utf-8") as file:
        mapping = json.load(file)
    if not isinstance(mapping, dict):
        raise Exception('index->name JSON mapping should be in "class": "label" format.')
    names = mapping.get("object_type_names")
    if isinstance(names, list):
        mapping = {str(index): name for index, name in enumerate(names)}
    return {key: _label_of(value) for key, value in mapping.items()}


def _label_of(value: Any) -> str:
    label = value[-1] if isinstance(value, list) else value
    if not isinstance(label, str):
        raise Exception("labels in index->name mapping must be either str or List[str]")
    return label


def map_class_to_label(
    probs: List[List[float]], mapping: Optional[Dict[str, str]] = None, lbl_classes: Optional[List[List[Any]]] = None
) -> List[Dict[str, float]]:
    """`{label: probability}` for each row. `lbl_classes` says which class each probability is for, by default 0, 1, …"""
    if not isinstance(probs, list) or any(not isinstance(row, list) for row in probs):
        raise Exception("Convert classes to list before doing mapping")
    if mapping is not None and not isinstance(mapping, dict):
        raise Exception("Mapping must be a dict")
    classes = lbl_classes if lbl_classes is not None else [list(range(len(row))) for row in probs]
    return [
        {str(mapping[str(label)] if mapping is not None else label): value for label, value in zip(labels, row)}
        for labels, row in zip(classes, probs)
    ]


def deprecated(version: str, replacement: str = "", klass: type = PendingDeprecationWarning) -> Callable[..., Any]:
    """Decorates a function that still works and warns."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def warned(*args: Any, **kwargs: Any) -> Any:
            text = f"{function.__name__} is deprecated in {version} and moved to {replacement}"
            warnings.warn(text, klass, stacklevel=2)
            return function(*args, **kwargs)

        return warned

    return decorate
