"""Times the stages of a handler."""

from __future__ import annotations

import functools
import sys
import time
from typing import Any, Callable


def timed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Emits `ts_handler_<method>` in milliseconds while the model's YAML says `handler: {profile: true}`."""

    @functools.wraps(function)
    def timing(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not _is_profiled(self):
            return function(self, *args, **kwargs)
        begun = _now()
        try:
            return function(self, *args, **kwargs)
        finally:
            elapsed_ms = (_now() - begun) * 1000
            self.context.metrics.add_time(f"ts_handler_{function.__name__}", elapsed_ms)

    return timing


def _now() -> float:
    """Seconds; what was asked of a GPU is done by then."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def _is_profiled(handler: Any) -> bool:
    config = getattr(getattr(handler, "context", None), "model_yaml_config", None)
    settings = config.get("handler") if isinstance(config, dict) else None
    return isinstance(settings, dict) and bool(settings.get("profile", False))
