"""An ImageClassifier whose postprocess is its own."""
from torchvision import transforms
from ts.torch_handler.image_classifier import ImageClassifier


class Postprocessed(ImageClassifier):
    image_processing = transforms.Compose([transforms.ToTensor()])

    def postprocess(self, data):
        return data.argmax(dim=1).tolist()
