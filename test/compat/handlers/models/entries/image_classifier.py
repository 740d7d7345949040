"""Has the name of a built-in handler."""


def handle(data, context):
    return ["the archive's own"] * len(data or [])
