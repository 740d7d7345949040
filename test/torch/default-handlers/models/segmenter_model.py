import torch
from torchvision.models.segmentation import lraspp_mobilenet_v3_large


class Segmenter(torch.nn.Module):
    """Its weights are those of the network that it is around."""

    def __init__(self):
        super().__init__()
        self.network = lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=4)

    def load_state_dict(self, weights):
        return self.network.load_state_dict(weights)

    def forward(self, images):
        return self.network(images)
