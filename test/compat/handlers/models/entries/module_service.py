"""A service that is made at import, and a function that initialises it; tells how it was called."""


class Service:
    def __init__(self):
        self.initialized = False
        self.calls = []

    def initialize(self, context):
        self.calls.append("initialize " + context.model_name)
        self.initialized = True

    def handle(self, data, context):
        self.calls.append("handle %d" % len(data))
        return [self.calls] * len(data)


_service = Service()


def handle(data, context):
    if not _service.initialized:
        _service.initialize(context)
    if data is None:
        _service.calls.append("no data")
        return None
    return _service.handle(data, context)


def predict(data, context):
    """The one that `module_service:predict` names."""
    return ["predict, %r" % __name__ for _ in data or []]


number = 5
