"""An ImageClassifier of small pictures, with its own transform and number of answers."""
from torchvision import transforms
from ts.torch_handler.image_classifier import ImageClassifier


class Classifier(ImageClassifier):
    topk = 3
    image_processing = transforms.Compose([transforms.Resize(16), transforms.CenterCrop(8), transforms.ToTensor()])

    def handle(self, data, context):
        word = context.get_request_header(0, "X-Do")
        if word:
            self.set_max_result_classes(int(word))
        return super().handle(data, context)
