"""Imports as if it were in a package."""
from .only_class import OnlyClass


def handle(data, context):
    return [OnlyClass.__name__] * len(data or [])
