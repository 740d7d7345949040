"""A VisionHandler with a transform, and tensors as they come."""
from torchvision import transforms
from ts.torch_handler.vision_handler import VisionHandler


class Vision(VisionHandler):
    image_processing = transforms.Compose([transforms.ToTensor()])

    def inference(self, data, *args, **kwargs):
        self.shape = list(data.shape)
        return super().inference(data, *args, **kwargs)

    def postprocess(self, data):
        return [{"shape": self.shape, "scores": [round(score, 4) for score in row]} for row in data.tolist()]
