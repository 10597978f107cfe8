"""Compares our service with a real qbittorrent-nox: `python -m tests.conformance`.

Exit status 0: nothing differs that is not explained, and every explanation is needed. 1: something
does, or is not. 2: it could not be run.
"""

import argparse
import signal
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from tests.conformance import scenes
from tests.conformance.intended import INTENDED, Intended
from tests.conformance.report import closing, line
from tests.conformance.run import Row, play
from tests.conformance.servers import MISSING, VERSION, CannotStart, missing
from tests.conformance.stage import NotReady, staged


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--only", default="*", help="scenes whose name fits, such as 'torrents/*'")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there as JSON")
    parser.add_argument("--differing", action="store_true", help="leave out what is the same")
    options = parser.parse_args(arguments)
    if missing():
        sys.stderr.write(MISSING)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that both servers are ended
    chosen = [one for one in scenes.SCENES if fnmatchcase(one.name, options.only)]
    used: set[Intended] = set()
    rows: list[Row] = []
    try:
        with staged() as stage:
            version = stage.real.get("app/version").text
            if version != VERSION:
                sys.stderr.write(f"This is qBittorrent {version}; expected is {VERSION}.\n")
            for row in play(stage, chosen, used):
                rows.append(row)
                if row.told or not options.differing:
                    sys.stdout.write(line(row) + "\n")
    except (CannotStart, NotReady) as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    finally:
        if options.json is not None:
            options.json.write_bytes(msgspec.json.format(msgspec.json.encode(rows)))
    unneeded = [row for row in INTENDED if row not in used] if options.only == "*" else []
    sys.stdout.write(closing(rows, unneeded) + "\n")
    return 1 if unneeded or any(row.unexplained for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
