from torchvision.models.shufflenetv2 import ShuffleNetV2


class Classifier(ShuffleNetV2):
    def __init__(self):
        super().__init__([4, 8, 4], [24, 48, 96, 192, 1024], num_classes=10)
