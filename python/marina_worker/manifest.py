"""What lies in a model's folder beside its code: the manifest, and the model's configuration that it names."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Optional

from ts.utils.util import get_yaml_config

MANIFEST = "MAR-INF/MANIFEST.json"


def read_manifest(model_dir: str) -> Optional[Dict[str, Any]]:
    """The manifest of a model's folder; None where there is none."""
    try:
        with open(os.path.join(model_dir, MANIFEST), encoding="utf-8") as file:
            manifest: Dict[str, Any] = json.load(file)
            return manifest
    except FileNotFoundError:
        return None


def model_of(manifest: Optional[Dict[str, Any]]) -> Dict[str, Any]:
    """What a manifest says about the model; nothing where there is none."""
    return (manifest or {}).get("model") or {}


def read_config(model_dir: str, manifest: Optional[Dict[str, Any]]) -> Any:
    """The model's YAML; an empty dict where the manifest names none. Raises ImportError where this Python has no PyYAML."""
    name = model_of(manifest).get("configFile")
    return get_yaml_config(os.path.join(model_dir, name)) if name else {}
