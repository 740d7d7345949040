"""Shows what an envelope has made of a request; a row that is a dict may ask for something else."""


def handle(data, context):
    if data is None:
        return None
    if any(isinstance(row, dict) and "raise" in row for row in data):
        raise ValueError("asked for")
    if any(isinstance(row, dict) and "too few" in row for row in data):
        return [shown(row) for row in data][1:]
    if any(isinstance(row, dict) and "not a list" in row for row in data):
        return "not a list"
    return [shown(row) for row in data]


def shown(value):
    if isinstance(value, (bytes, bytearray)):
        return [type(value).__name__, value.decode("latin-1")]
    if isinstance(value, dict):
        return {key: shown(entry) for key, entry in value.items()}
    if hasattr(value, "tolist"):
        return [type(value).__name__, str(value.dtype), list(value.shape), value.tolist()]
    return value
