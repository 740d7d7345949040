"""Neither a class nor a function named handle."""


def predict(data, context):
    return ["predicted"] * len(data or [])
