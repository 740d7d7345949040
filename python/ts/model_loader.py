"""Loads a handler as a worker does, for tests of users that ask for it by this name."""

from __future__ import annotations

from typing import Any, Optional

from marina_worker.handler import load_entry
from marina_worker.manifest import model_of, read_manifest
from ts.service import Service


class ModelLoader:
    """What can load a model."""

    def load(self, model_name: str, model_dir: str, *args: Any, **kwargs: Any) -> Service:
        """A loaded model."""
        raise NotImplementedError


class TsModelLoader(ModelLoader):
    """Loads a handler of a model's folder by the rules of a worker."""

    def load(  # type: ignore[override]
        self,
        model_name: str,
        model_dir: str,
        handler: Optional[str] = None,
        gpu_id: Optional[int] = None,
        batch_size: Optional[int] = None,
        envelope: Optional[str] = None,
        limit_max_image_pixels: bool = True,
        metrics_cache: Any = None,
    ) -> Service:
        """Imports and initialises the handler; raises what its code raises."""
        manifest = read_manifest(model_dir)
        named = handler or model_of(manifest).get("handler") or ""
        service = Service(
            model_name, model_dir, manifest, None, gpu_id, batch_size or 1, limit_max_image_pixels, metrics_cache
        )
        service._entry_point = load_entry(named, service.context, envelope)
        return service


class ModelLoaderFactory:
    """Knows the one loader that there is."""

    @staticmethod
    def get_model_loader() -> TsModelLoader:
        """The loader of handlers."""
        return TsModelLoader()
