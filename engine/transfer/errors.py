"""What can go wrong with a transfer. Retryability is a property of the type.

    TransferError
    ├── ConnectionTrouble   reset, time-out, early EOF, DNS, refused       try again
    ├── ServerTrouble       500, 502, 504, nonsense in an answer           try again
    │   └── RangeIgnored    the whole file where a part was asked for      (see `ranges`)
    ├── ServerBusy          429, 503: fewer connections, `retry_after`     wait, then try again
    ├── LinkExpired         401, 403, 404, 410, HTML instead of the file   ask for a fresh link
    ├── Gone                whoever gives links has none for this file     tell the user
    ├── FileChanged         another size or validator than before          this file is another one
    ├── NotTrusted          certificate wrong or expired, https to http    tell the user
    ├── Unusable            a URL or an answer that no retry can mend      tell the user
    ├── DiskFull            ENOSPC, EDQUOT                                 wait for room
    ├── DiskTrouble         EIO, EROFS, the file went away                 tell the user
    └── Stopped             somebody called `stop()`                       not a failure

Foreign exceptions (OSError, ssl.SSLError) are translated once, where the system call is made:
network in `wire`, disk in `disk`. No message here carries a URL: links are secrets.
"""


class TransferError(Exception):
    """Base of all; `retry_after` is seconds to wait as told by the server, or None."""

    retry_after: float | None = None


class ConnectionTrouble(TransferError):
    """The network failed between us and the server; nothing is known to be wrong with the link."""


class ServerTrouble(TransferError):
    """The server answered, but not with what was asked, and may do better next time."""


class ServerBusy(TransferError):
    """The server asks for fewer connections or for patience."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class LinkExpired(TransferError):
    """The link no longer leads to the file; a fresh one may."""

    def __init__(self, message: str, *, missing: bool = False) -> None:
        super().__init__(message)
        self.missing = missing
        """True when the server says that there is no such file, not that we may not have it."""


class Gone(TransferError):
    """Whoever gives links says that there is none for this file any more."""


class FileChanged(TransferError):
    """The link leads to another file than the bytes that are on disk came from."""


class NotTrusted(TransferError):
    """The server could not prove who it is, or asked to go on without proof."""


class Unusable(TransferError):
    """The URL or the server cannot serve this download at all."""


class DiskFull(TransferError):
    """The disk or the quota has no room."""


class DiskTrouble(TransferError):
    """The disk refused for another reason than room."""


class Stopped(TransferError):
    """The download was told to stop; its durable prefix is saved."""
