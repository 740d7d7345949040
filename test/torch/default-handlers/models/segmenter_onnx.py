import torch
from ts.torch_handler.image_segmenter import ImageSegmenter


class OnnxSegmenter(ImageSegmenter):
    def inference(self, data):
        return {"out": torch.as_tensor(self.model.run(["out"], {"input": data.numpy()})[0])}
