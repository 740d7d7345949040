"""A subclass of BaseHandler that overrides nothing but initialize, which calls it."""
from ts.torch_handler.base_handler import BaseHandler


class Plain(BaseHandler):
    def initialize(self, context):
        super().initialize(context)
        self.extra = "own"
