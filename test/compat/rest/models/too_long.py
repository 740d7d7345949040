"""Returns a list of the wrong length."""


def handle(data, context):
    return ["one", "two"]
