"""`pt2` in a model's configuration: torch.compile, and models that were compiled ahead of time."""

from __future__ import annotations

import logging
import os
from typing import Any, Dict, Optional

from ts.utils.util import check_valid_pt2_backend

logger = logging.getLogger(__name__)


def asks_for_aot(config: Any) -> bool:
    """`pt2: {export: {aot_compile: true}}`."""
    export = _pt2_of(config, {}).get("export") if isinstance(_pt2_of(config, {}), dict) else None
    return isinstance(export, dict) and export.get("aot_compile") is True


def compile_options(config: Any) -> Optional[Dict[str, Any]]:
    """Arguments of torch.compile, in any of the three spellings; None where it is not asked for, or not with a backend that
    there is. Raises ValueError for what is no such section."""
    pt2 = _pt2_of(config, None)
    if pt2 is None or (isinstance(pt2, dict) and "export" in pt2 and "compile" not in pt2):
        return None
    if isinstance(pt2, dict) and "compile" in pt2:
        options = _enabled(pt2["compile"])
    else:
        options = {"backend": pt2} if isinstance(pt2, str) else pt2
        if not isinstance(options, dict):
            raise ValueError("pt2 in the model's configuration must be the name of a backend or a map")
        logger.warning("pt2: <backend> is a deprecated spelling: write pt2: {compile: {enable: true, backend: …}}.")
    if options is None or ("backend" in options and not check_valid_pt2_backend(options["backend"])):
        return None
    return options


def _pt2_of(config: Any, missing: Any) -> Any:
    return config.get("pt2", missing) if isinstance(config, dict) else missing


def _enabled(section: Any) -> Optional[Dict[str, Any]]:
    if not isinstance(section, dict) or "enable" not in section:
        raise ValueError("pt2.compile in the model's configuration must say enable: true or false")
    return {key: value for key, value in section.items() if key != "enable"} if section["enable"] is True else None


def compiled(model: Any, config: Any, torch: Any) -> Any:
    """The model as torch.compile or the Intel extension makes it, where that is asked for and can be had."""
    options = compile_options(config)
    if options is not None and hasattr(torch, "compile"):
        return _torch_compiled(model, options, torch)
    if options is not None:
        logger.warning("torch %s has no torch.compile: the model runs as it is.", torch.__version__)
    return _optimised_by_ipex(model) if os.environ.get("TS_IPEX_ENABLE") == "true" else model


def _torch_compiled(model: Any, options: Dict[str, Any], torch: Any) -> Any:
    text = ", ".join(f"{key} {value}" for key, value in options.items())
    try:
        result = torch.compile(model, **options)
        logger.info("Compiled model with %s", text)
        return result
    except Exception as error:
        logger.warning("Compiling model model with %s has failed \n Proceeding without compilation", text)
        logger.warning(error)
        return model


def _optimised_by_ipex(model: Any) -> Any:
    try:
        import intel_extension_for_pytorch as ipex
    except ImportError:
        logger.warning("ipex_enable is set, and intel-extension-for-pytorch is not installed: the model runs as it is.")
        return model
    import torch

    optimised = ipex.optimize(model.to(memory_format=torch.channels_last))
    logger.info("Compiled model with ipex")
    return optimised
