"""The figures as people read them. Pure.

Speeds are in MB/s of 10^6 bytes, as lines and disks are sold, and in MiB/s, as `get` shows them.
"""

from collections.abc import Sequence

MB = 10**6
MIB = 1 << 20
GIB = 1 << 30

UNKNOWN = "-"
"""Stands where there is no figure."""

Row = tuple[str, Sequence[str]]
"""A label and its cells."""


def render(heads: Sequence[str], rows: Sequence[Row]) -> str:
    """Return a table: labels on the left, cells on the right under their heads."""
    lines: list[Row] = [("", heads), *rows] if any(heads) else list(rows)
    left = max(len(label) for label, _cells in lines)
    right = max(len(cell) for _label, cells in lines for cell in cells)
    return "\n".join(
        f"{label:<{left}}  {'  '.join(cell.rjust(right) for cell in cells)}".rstrip()
        for label, cells in lines
    )


def number(value: float | None, digits: int = 0, by: float = 1) -> str:
    """Return a figure in units of `by`, with so many decimals."""
    return UNKNOWN if value is None else f"{value / by:,.{digits}f}".replace(",", " ")


def percent(value: float | None) -> str:
    """Return a share of 1 as a percentage."""
    return UNKNOWN if value is None else f"{100 * value:.1f} %"
