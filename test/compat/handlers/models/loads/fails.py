"""Fails in initialize as the name of its model says."""


class Fails:
    def initialize(self, context):
        word = context.model_name
        print("initialize of %s" % word, flush=True)
        if word == "memory":
            raise MemoryError("too large")
        if word == "cuda":
            raise RuntimeError("CUDA out of memory. Tried to allocate")
        if word == "runtime":
            raise RuntimeError("cannot load")
        if word == "value":
            raise ValueError("no such value")
        if word == "import":
            raise ImportError("no such module")
        if word == "assertion":
            assert word is None, "must be none"
        if word == "key":
            raise KeyError("weights")
        if word == "os":
            open("./not-there.bin")
        if word == "exit":
            import sys

            sys.exit(3)
        if word == "slow":
            import time

            time.sleep(60)

    def handle(self, data, context):
        return ["loaded"] * len(data)
