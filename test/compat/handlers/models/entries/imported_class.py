"""Defines one class, and imports another."""
from only_class import OnlyClass


class Mine(OnlyClass):
    def handle(self, data, context):
        return ["mine after " + ", ".join(self.calls)] * len(data)
