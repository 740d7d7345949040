"""A subclass of BaseHandler that leaves loading, inference and postprocess to it."""
import os

import torch
from ts.torch_handler.base_handler import BaseHandler


class Base(BaseHandler):
    def preprocess(self, data):
        rows = [row.get("data") or row.get("body") for row in data]
        return torch.tensor(rows, dtype=torch.float32)

    def handle(self, data, context):
        if context.get_request_header(0, "X-Do") == "attributes":
            return [self.attributes()] * len(data)
        return super().handle(data, context)

    def attributes(self):
        names = ("initialized", "map_location", "explain", "target", "mapping", "profiler_args", "model_yaml_config")
        found = {name: getattr(self, name) for name in names}
        return {
            **found,
            "model": type(self.model).__name__,
            "training": self.model.training,
            "device": str(self.get_device()),
            "file": self.model_pt_path and os.path.basename(self.model_pt_path),
            "manifest": sorted(self.manifest),
            "context": self.context is not None,
        }

    def get_insights(self, tensor, raw, target=0):
        return [[tensor.tolist(), raw, target]]
