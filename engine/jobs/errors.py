"""How a torrent's way may end before its files are complete.

    Hopeless        nothing we do will help; the message is the sentence the user reads
    ContentGone     AllDebrid no longer has it; a fresh upload may bring it back
    NoRoom          the disk lacks room for what is still missing
    Forgotten       the torrent was deleted while somebody still worked on it

What goes wrong with a transfer or with AllDebrid has its types in `engine.transfer.errors` and
`engine.alldebrid.errors`; `engine.jobs.drive` decides what each of them means for the torrent.
"""


class Hopeless(Exception):
    """The torrent has failed; the message says why, in one sentence for the user."""


class ContentGone(Exception):
    """AllDebrid no longer has the torrent or one of its files; the message says which."""


class NoRoom(Exception):
    """The disk lacks room; the message says how much is needed and how much there is."""


class Forgotten(Exception):
    """There is no such torrent any more."""

    def __init__(self, infohash: str) -> None:
        super().__init__(f"there is no torrent {infohash}")
        self.infohash = infohash
