"""A label of a metric."""

from __future__ import annotations

from typing import Any, Dict


class Dimension:
    """Name and value; as text `name:value`."""

    def __init__(self, name: str, value: Any) -> None:
        self.name = name
        self.value = value

    def __str__(self) -> str:
        return f"{self.name}:{self.value}"

    def to_dict(self) -> Dict[str, Any]:
        return {"Name": self.name, "Value": self.value}
