"""Answers an inference request of version 2 with numbers of several types."""
import numpy


def handle(data, context):
    if data is None:
        return None
    found = [numpy.asarray(row["data"]) for row in data]
    kind = data[0].get("name")
    if kind == "float32":
        return [one.astype("float32") for one in found]
    if kind == "int64":
        return [one.astype("int64") for one in found]
    if kind == "doubled":
        return [one * 2 for one in found]
    if kind == "text":
        return ["as text"] * len(found)
    if kind == "lists":
        return [one.tolist() for one in found]
    return found
