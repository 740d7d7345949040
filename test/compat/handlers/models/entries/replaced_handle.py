"""The object's handle is replaced while it is initialised."""


class Replaced:
    def initialize(self, context):
        self.handle = lambda data, context: ["replaced"] * len(data)

    def handle(self, data, context):
        return ["as defined"] * len(data)
