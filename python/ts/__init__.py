"""What handlers written for TorchServe import: Marina's own implementation, there inside its Python workers only."""

from ts.left_out import announce
from ts.version import __version__

__all__ = ["__version__"]

announce()
