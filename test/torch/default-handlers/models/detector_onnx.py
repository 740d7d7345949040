import torch
from ts.torch_handler.object_detector import ObjectDetector


class OnnxDetector(ObjectDetector):
    threshold = 0.4

    def inference(self, data):
        boxes, scores, labels = self.model.run(["boxes", "scores", "labels"], {"input": data.numpy()})
        found = {"boxes": boxes, "scores": scores, "labels": labels}
        return [{name: torch.as_tensor(value) for name, value in found.items()}]
