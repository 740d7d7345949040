"""Returns no list."""


def handle(data, context):
    return "one text for all"
