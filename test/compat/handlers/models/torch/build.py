"""Makes the small networks of the scenes, always the same: `build.py FOLDER`."""
import os
import sys

import torch
from torch import nn

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from net import Net  # noqa: E402


class Pictures(nn.Module):
    """Six classes of the mean colours of four quarters."""

    def __init__(self, classes: int):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.linear = nn.Linear(12, classes)

    def forward(self, pictures):
        return self.linear(self.pool(pictures).flatten(1))


folder = sys.argv[1]
torch.manual_seed(7)
net = Net()
torch.save(net.state_dict(), os.path.join(folder, "weights.pth"))
torch.jit.script(net).save(os.path.join(folder, "net.pt"))
torch.jit.script(Pictures(6)).save(os.path.join(folder, "six.pt"))
torch.jit.script(Pictures(3)).save(os.path.join(folder, "three.pt"))
