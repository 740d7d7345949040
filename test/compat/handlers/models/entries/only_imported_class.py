"""Only imports a class."""
from only_class import OnlyClass

__all__ = ["OnlyClass"]
