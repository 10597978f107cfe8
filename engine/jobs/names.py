"""Names of torrents as others give them, and when one of them is worth showing."""

import re

_HASH = re.compile(r"[0-9a-fA-F]{40}|[A-Za-z2-7]{32}|[0-9a-fA-F]{64}")


def is_real_name(name: str) -> bool:
    """Tell a release's name from a stand-in: empty, `noname`, an infohash or a magnet URI."""
    name = name.strip()
    return (
        bool(name)
        and name.lower() != "noname"
        and not name.lower().startswith("magnet:")
        and _HASH.fullmatch(name) is None
    )
