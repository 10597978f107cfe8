"""The table that a run prints, and its closing figures. Pure."""

from collections.abc import Sequence

from tests.conformance.intended import Intended
from tests.conformance.run import Row

ENDPOINT = 34
CASE = 22
"""Characters of the first two columns."""


def line(row: Row) -> str:
    """Return a row of the table; a line more for each difference beyond the first."""
    head = f"{row.endpoint:<{ENDPOINT}} {row.case:<{CASE}} "
    if not row.told:
        return head + "same"
    lines = []
    for told in row.told:
        why = f"intended: {told.reason}" if told.reason else "UNEXPLAINED"
        lines.append(f"differs: {told.difference} ({why})")
    return head + f"\n{'':<{len(head)}}".join(lines)


def closing(rows: Sequence[Row], unneeded: Sequence[Intended]) -> str:
    """Return the figures, and the explanations that explain nothing."""
    same = sum(not row.told for row in rows)
    open_rows = sum(bool(row.unexplained) for row in rows)
    figures = (
        f"endpoints {len({row.endpoint for row in rows})}, cases {len(rows)}: same {same},"
        f" differing as intended {len(rows) - same - open_rows}, unexplained {open_rows}"
    )
    lines = ["", figures]
    lines += [
        f"explains nothing any more: {row.endpoint} / {row.case} / {row.what} {row.where}"
        for row in unneeded
    ]
    return "\n".join(lines)
