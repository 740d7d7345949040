"""A subclass of BaseHandler that overrides the three stages, and inherits handle."""
from ts.torch_handler.base_handler import BaseHandler


class Subclass(BaseHandler):
    def initialize(self, context):
        self.context = context
        self.initialized = True
        self.stages = []

    def preprocess(self, data):
        self.stages = ["preprocess"]
        return [bytes(row.get("data") or row.get("body")).decode() for row in data]

    def inference(self, data, *args, **kwargs):
        self.stages.append("inference")
        return [text.upper() for text in data]

    def postprocess(self, data):
        self.stages.append("postprocess")
        return [{"text": text, "stages": self.stages, "explain": self.explain} for text in data]

    def describe_handle(self):
        return {"knows": "texts"}
