"""An object that can be called takes the place of the function."""


class Service:
    def __init__(self):
        self.calls = 0

    def __call__(self, data, context):
        self.calls += 1
        return None if data is None else ["call %d" % self.calls] * len(data)


handle = Service()
