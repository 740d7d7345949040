"""One class, made without arguments."""


class OnlyClass:
    def __init__(self):
        self.calls = ["made"]

    def initialize(self, context):
        self.calls.append("initialize " + type(context).__name__)

    def handle(self, data, context):
        self.calls.append("handle %d" % len(data))
        return [self.calls] * len(data)
