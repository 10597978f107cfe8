"""The life of a torrent as a table.

Theory
    A torrent is in exactly one state. `MOVES` lists, for each state, where it may go; everything
    else raises `IllegalMove`. Deleting is not a state: the torrent is gone.

    The states say what the torrent is waiting for, never what a task of ours is doing, so a state
    read back after a crash is enough to go on: whatever was running is simply run again.

    `PAUSED` remembers nothing: what is known of the torrent (AllDebrid's id, its files, their
    durable prefixes) says where to go on, so resuming always leads to `ADDED` and the way from
    there skips what is already done.

What breaks if you edit
    `SPECIFIED` maps each state to one of the specification's five words (section 5.3), and
    `api.qbittorrent.present` maps each state to the word Sonarr knows. A new state needs a line in
    both; the tests iterate over the enum and fail where one is missing.
"""

import enum


class State(enum.StrEnum):
    """What a torrent is waiting for."""

    ADDED = "added"
    """To be handed to AllDebrid."""
    WAITING_SLOT = "waiting_slot"
    """AllDebrid has as many active torrents as it allows (30)."""
    PREPARING = "preparing"
    """AllDebrid is fetching it."""
    QUEUED = "queued"
    """Ready at AllDebrid, waiting for its turn to download."""
    DOWNLOADING = "downloading"
    WAITING_NETWORK = "waiting_network"
    """The line or the file host is in trouble; tried again by itself."""
    WAITING_DISK = "waiting_disk"
    """No room on the disk; goes on by itself when there is."""
    CHECKING = "checking"
    """What is on disk is being verified."""
    MOVING = "moving"
    """Complete, on its way to the final folder."""
    COMPLETED = "completed"
    PAUSED = "paused"
    ERROR = "error"


MOVES: dict[State, frozenset[State]] = {
    State.ADDED: frozenset(
        {State.WAITING_SLOT, State.PREPARING, State.QUEUED, State.PAUSED, State.ERROR}
    ),
    State.WAITING_SLOT: frozenset({State.ADDED, State.PREPARING, State.PAUSED, State.ERROR}),
    State.PREPARING: frozenset({State.ADDED, State.QUEUED, State.PAUSED, State.ERROR}),
    State.QUEUED: frozenset(
        {State.ADDED, State.DOWNLOADING, State.CHECKING, State.PAUSED, State.ERROR}
    ),
    State.DOWNLOADING: frozenset(
        {
            State.ADDED,
            State.QUEUED,
            State.WAITING_NETWORK,
            State.WAITING_DISK,
            State.CHECKING,
            State.MOVING,
            State.PAUSED,
            State.ERROR,
        }
    ),
    State.WAITING_NETWORK: frozenset(
        {State.ADDED, State.QUEUED, State.CHECKING, State.PAUSED, State.ERROR}
    ),
    State.WAITING_DISK: frozenset({State.QUEUED, State.CHECKING, State.PAUSED, State.ERROR}),
    State.CHECKING: frozenset(
        {State.ADDED, State.QUEUED, State.MOVING, State.COMPLETED, State.PAUSED, State.ERROR}
    ),
    State.MOVING: frozenset({State.COMPLETED, State.WAITING_DISK, State.ERROR}),
    State.COMPLETED: frozenset({State.ADDED, State.CHECKING, State.MOVING, State.ERROR}),
    State.PAUSED: frozenset({State.ADDED, State.CHECKING, State.ERROR}),
    State.ERROR: frozenset({State.ADDED, State.CHECKING, State.PAUSED}),
}

SPECIFIED: dict[State, str] = {
    State.ADDED: "queued",
    State.WAITING_SLOT: "queued",
    State.PREPARING: "queued",
    State.QUEUED: "queued",
    State.DOWNLOADING: "downloading",
    State.WAITING_NETWORK: "downloading",
    State.WAITING_DISK: "paused",
    State.CHECKING: "downloading",
    State.MOVING: "downloading",
    State.COMPLETED: "completed",
    State.PAUSED: "paused",
    State.ERROR: "error",
}
"""The specification's five words (section 5.3), for metrics and logs."""

RESTING = frozenset({State.COMPLETED, State.PAUSED, State.ERROR})
"""States that nothing of ours works on until somebody asks for it."""


_HANDED_OVER = frozenset(
    {
        State.WAITING_SLOT,
        State.PREPARING,
        State.QUEUED,
        State.DOWNLOADING,
        State.WAITING_NETWORK,
        State.WAITING_DISK,
    }
)
"""States that need something of AllDebrid's, or will."""


class IllegalMove(Exception):
    """A bug of ours: the table has no such move."""

    def __init__(self, source: State, target: State) -> None:
        super().__init__(f"a torrent cannot go from {source} to {target}")
        self.source = source
        self.target = target


def move(source: State, target: State) -> State:
    """Return `target` if the table has the move, else raise IllegalMove."""
    if target not in MOVES[source]:
        raise IllegalMove(source, target)
    return target


def handed_back(state: State) -> State:
    """Return where a torrent goes on when nothing that AllDebrid gave for it holds any more."""
    if state not in _HANDED_OVER:
        return state
    if State.ADDED not in MOVES[state]:
        state = move(state, State.QUEUED)
    return move(state, State.ADDED)
