"""Runs out of memory while it is loaded."""


class Handler:
    def initialize(self, context):
        raise MemoryError("too large")

    def handle(self, data, context):
        return data
