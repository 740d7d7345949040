"""Libraries that are the handler's own to bring: a missing one is named together with the command that installs it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any

# Where the package that is installed is not called as the module that is imported.
_PACKAGES = {"PIL": "pillow", "yaml": "pyyaml"}


def require(module: str, wanted_by: str) -> Any:
    """The module of this name. Raises ImportError, naming who wants it and how to install it, where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        root = module.split(".")[0]
        if error.name is None or error.name.split(".")[0] != root:
            raise  # It is there, and something of its own is missing.
        package = _PACKAGES.get(root, root)
        text = f"{wanted_by} needs {root}, which this Python has not. Install it: {sys.executable} -m pip install {package}"
        raise ModuleNotFoundError(text, name=error.name) from None


def can_import(module: str) -> bool:
    """Whether a module is installed; it is not imported."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
