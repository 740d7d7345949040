"""Needs what is not there."""
import not_installed_anywhere


def handle(data, context):
    return [not_installed_anywhere.name] * len(data)
