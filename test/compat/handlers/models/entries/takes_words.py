"""A class that wants an argument."""


class TakesWords:
    def __init__(self, words):
        self.words = words

    def initialize(self, context):
        pass

    def handle(self, data, context):
        return [self.words] * len(data)
