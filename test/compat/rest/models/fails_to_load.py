"""Fails while it is loaded."""


class Handler:
    def initialize(self, context):
        raise RuntimeError("cannot load")

    def handle(self, data, context):
        return data
