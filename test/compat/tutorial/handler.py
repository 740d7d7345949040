"""The entry point: one service, made when this file is imported, and the function that TorchServe calls."""

from MyHandler import MyHandler

_service = MyHandler()


def handle(data, context):
    """Called once with None when the model is loaded, then with each batch."""
    if not _service.initialized:
        _service.initialize(context)
    if data is None:
        return None
    return _service.handle(data, context)
