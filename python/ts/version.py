"""The release of TorchServe whose handlers run here."""

__version__ = "0.12.0"
