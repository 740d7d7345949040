"""Units by their short names."""

from __future__ import annotations

from typing import Optional

UNITS = {
    "ms": "Milliseconds",
    "s": "Seconds",
    "percent": "Percent",
    "count": "Count",
    "MB": "Megabytes",
    "GB": "Gigabytes",
    "kB": "Kilobytes",
    "B": "Bytes",
}


class Units:
    """As handlers find it in TorchServe."""

    def __init__(self) -> None:
        self.units = {**UNITS, "": "unit"}


def unit_name(unit: Optional[str]) -> str:
    """The long name of a unit; none is `unit`, an unknown one stays as it is."""
    return UNITS.get(unit, unit) if unit else "unit"
