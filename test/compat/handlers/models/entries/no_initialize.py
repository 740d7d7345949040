"""A class without initialize."""


class NoInitialize:
    def handle(self, data, context):
        return ["served"] * len(data)
