"""A class without handle."""


class NoHandle:
    def initialize(self, context):
        pass
