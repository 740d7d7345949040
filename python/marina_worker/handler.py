"""Finds a handler by what the manifest says, imports it, and initialises it (TorchServe's rules and texts)."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Set

if TYPE_CHECKING:
    from ts.context import Context

# What serves requests: called with one row for each job, and the context; at load, if it is a function, with None.
Entry = Callable[[Optional[List[Dict[str, Any]]], "Context"], Any]

BUILT_IN = "ts.torch_handler."


def load_entry(handler: str, context: "Context", envelope: Optional[str] = None) -> Entry:
    """Imports, initialises, and puts into its envelope. Raises whatever the user's code raises, ValueError for what is no
    handler, and ModuleNotFoundError for an envelope that there is not."""
    entry = _load_bare(handler, context)
    return enveloped(entry, envelope) if envelope else entry


def _load_bare(handler: str, context: "Context") -> Entry:
    if not handler:
        raise ValueError("The model names no handler: neither its manifest nor its registration, nor default_service_handler.")
    file, _, name = handler.partition(":")
    module = import_handler(file, handler)
    function = getattr(module, name or "handle", None)
    if function is not None:
        entry: Entry = function
        entry(None, context)
        return entry
    return _load_class(module, context)


def import_handler(file: str, handler: str) -> ModuleType:
    """The module of a handler: a file of the archive, or else a built-in handler of that name."""
    name = file.rsplit("/", 1)[-1]
    name = name[:-3] if name.endswith(".py") else name
    try:
        return importlib.import_module(name)
    except ImportError:
        # Raised in here, so that a missing dependency of the user's handler shows first, with its own trace.
        return importlib.import_module(f"{BUILT_IN}{handler}")


def cause_of(error: BaseException) -> BaseException:
    """What a user has to act on: of an import that failed twice, the handler's own failure, unless there is no such file."""
    first = error.__context__
    name = error.name or "" if isinstance(error, ModuleNotFoundError) else ""
    if not name.startswith(BUILT_IN) or error.__suppress_context__ or not isinstance(first, ImportError):
        return error
    no_such_file = isinstance(first, ModuleNotFoundError) and name.startswith(f"{BUILT_IN}{first.name}")
    return error if no_such_file else first


def _load_class(module: ModuleType, context: "Context") -> Entry:
    from ts.utils.util import list_classes_from_module

    classes = list_classes_from_module(module)
    if len(classes) != 1:
        raise ValueError(f"Expected only one class in custom service code or a function entry point {classes}")
    if not hasattr(classes[0], "handle"):
        raise ValueError(f"Expect handle method in class {classes[0]}")
    service = classes[0]()
    # Before `initialize`: what that puts there does not count, as in the original.
    entry: Entry = service.handle
    service.initialize(context)
    return entry


def enveloped(entry: Entry, envelope: str) -> Entry:
    """The entry point inside the envelope of this name: it opens requests and packs results."""
    from ts.utils.util import list_classes_from_module

    package = "ts.torch_handler.request_envelope"
    try:
        module = importlib.import_module(f"{package}.{envelope}")
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith(package):
            raise
        known = "service_envelope is body, json, kserve or kservev2"
        raise ModuleNotFoundError(f"{error.msg}: {known}", name=error.name) from None
    opened: Entry = list_classes_from_module(module)[0](entry).handle  # type: ignore[attr-defined]
    return opened


def open_import_path(model_dir: str, path: List[str], kept: Set[str]) -> None:
    """
    Sets `sys.path` to what user code may rely on. Modules that this worker has imported for itself, and that the archive
    has a file for, are forgotten, so that the archive's come first; `kept` are those that the interpreter started with.
    """
    sys.path[:] = path
    for entry in os.listdir(model_dir):
        name = entry[:-3] if entry.endswith(".py") else entry
        is_module = entry.endswith(".py") or os.path.isfile(os.path.join(model_dir, entry, "__init__.py"))
        if not is_module or name in kept or name in ("ts", "marina_worker", "__main__"):
            continue
        for loaded in [loaded for loaded in sys.modules if loaded == name or loaded.startswith(name + ".")]:
            del sys.modules[loaded]
    importlib.invalidate_caches()
