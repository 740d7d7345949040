"""Runs its batches in slices of two."""
from ts.handler_utils.micro_batching import MicroBatching
from ts.torch_handler.base_handler import BaseHandler


class Micro(BaseHandler):
    def __init__(self):
        super().__init__()
        self.handle = MicroBatching(self, micro_batch_size=2)

    def initialize(self, context):
        self.context = context
        self.handle.parallelism = {"inference": 2}
        self.initialized = True

    def preprocess(self, data):
        return [bytes(row["body"]).decode() for row in data]

    def inference(self, data, *args, **kwargs):
        return [[text, len(data), self.handle.get_micro_batch_idx()] for text in data]

    def postprocess(self, data):
        return [{"answer": one, "parallelism": self.handle.parallelism} for one in data]
