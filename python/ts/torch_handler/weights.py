"""Reads what `torch.save` wrote. Such a file can run code while it is read, so plain weights are asked for first."""

from __future__ import annotations

import inspect
import logging
import os
import pickle
from typing import Any, IO, Union

from ts.torch_handler.requirement import require

logger = logging.getLogger(__name__)

# Set by the server: `false` under marina serve, unless its setting of this name allows it.
ALLOW_PICKLES = "MARINA_ALLOW_PICKLES"


def load_weights(path: str, map_location: Any = None) -> Any:
    """
    The content of a file of the archive: tensors and plain values. Anything else is unpickled as the installed torch does it,
    with a warning; where the server does not allow that, raises RuntimeError saying what was found and what to do.
    """
    torch = require("torch", f"Loading {os.path.basename(path)}")
    try:
        return load_plain(path, map_location)
    except OSError:
        raise
    except Exception as error:  # An old or odd file may confuse the careful reader in many ways.
        refused = error
    name = os.path.basename(path)
    if os.environ.get(ALLOW_PICKLES, "true") != "true":
        raise _refusal(name, refused) from None
    logger.warning("%s holds more than tensors and plain values: reading it runs code out of the file.", name)
    return torch.load(path, map_location=map_location)


def _refusal(name: str, error: Exception) -> Exception:
    if not isinstance(error, pickle.UnpicklingError):
        return error
    return RuntimeError(
        f"{name} holds more than tensors and plain values, and reading that runs code out of the file ({error}). "
        "Save a state_dict or a dict, or start the server with allow_pickles=true if you trust its author."
    )


def load_plain(source: Union[str, IO[bytes]], map_location: Any = None) -> Any:
    """Tensors and plain values only: what would run code raises pickle.UnpicklingError, and does not run."""
    torch = require("torch", "Loading weights")
    if "weights_only" not in inspect.signature(torch.load).parameters:
        raise pickle.UnpicklingError(f"torch {torch.__version__} cannot tell: that takes torch 1.13")
    return torch.load(source, map_location=map_location, weights_only=True)
