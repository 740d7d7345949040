import torch
from ts.torch_handler.base_handler import BaseHandler
from ts.torch_handler.text_classifier import TextClassifier


class OnnxText(TextClassifier):
    def initialize(self, context):
        BaseHandler.initialize(self, context)
        self.source_vocab = torch.load(self.get_source_vocab_path(context))

    def inference(self, data):
        return torch.as_tensor(self.model.run(None, {"input": data[0].numpy()})[0])
