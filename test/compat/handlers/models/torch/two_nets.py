"""Two classes in a model file."""
from torch import nn


class First(nn.Module):
    pass


class Second(nn.Module):
    pass
