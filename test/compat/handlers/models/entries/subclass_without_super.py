"""A subclass of BaseHandler whose constructor does not call its own."""
from ts.torch_handler.base_handler import BaseHandler


class Subclass(BaseHandler):
    def __init__(self):
        self.made = True

    def initialize(self, context):
        self.context = context

    def preprocess(self, data):
        return data

    def inference(self, data):
        return data

    def postprocess(self, data):
        return [self.made] * len(data)
