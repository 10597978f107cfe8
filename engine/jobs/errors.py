"""How a torrent's way may end before its files are complete.

    Hopeless        nothing we do will help; the message is the sentence the user reads
    BadRelease      the same, and another release may well come: this one is at fault
    UselessLink     AllDebrid will never give a download link for one of its files
    ContentGone     AllDebrid no longer has it; a fresh upload may bring it back
    NoRoom          the disk lacks room for what is still missing
    Forgotten       the torrent was deleted while somebody still worked on it

What goes wrong with a transfer or with AllDebrid has its types in `engine.transfer.errors` and
`engine.alldebrid.errors`; `engine.jobs.drive` decides what each of them means for the torrent.
"""

from engine.transfer.errors import Unusable


class Hopeless(Exception):
    """The torrent has failed; the message says why, in one sentence for the user."""


class BadRelease(Hopeless):
    """The torrent itself is the reason: who asked for it should look for another one.

    Never for what lies in the account, the line, the disk or this program: that would strike the
    next release as well, and the one after it.
    """


class UselessLink(Unusable):
    """AllDebrid will never give a download link for a file; the message says why."""


class ContentGone(Exception):
    """AllDebrid no longer has the torrent or one of its files; the message says which."""


class NoRoom(Exception):
    """The disk lacks room; the message says how much is needed and how much there is."""


class Forgotten(Exception):
    """There is no such torrent any more."""

    def __init__(self, infohash: str) -> None:
        super().__init__(f"there is no torrent {infohash}")
        self.infohash = infohash
