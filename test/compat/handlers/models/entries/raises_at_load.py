"""A function that cannot bear the call without data."""


def handle(data, context):
    return ["row"] * len(data)
