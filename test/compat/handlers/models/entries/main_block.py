"""A block for the command line does not run."""
seen = ["imported as " + __name__]

if __name__ == "__main__":
    seen.append("run as a program")


def handle(data, context):
    return None if data is None else [seen] * len(data)
