"""How the two ways of `bench` end: what went wrong becomes a line and an exit status."""

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from api import streams
from api.bench.webapi import ServiceError
from api.target import Refused
from engine.transfer.errors import TransferError

Complain = Callable[[str], None]

logger = logging.getLogger("api.bench")


class Interrupted(Exception):
    """Ctrl-C or SIGTERM came; the message says what that did, `status` is the exit status."""

    def __init__(self, number: int, message: str = "stopped") -> None:
        super().__init__(message)
        self.status = 128 + number


def told(work: Callable[[], None], complain: Complain) -> int:
    """Do the work and return the exit status; `complain` prints one line. Raises OutputLost."""
    try:
        work()
    except streams.OutputLost:
        raise
    except Interrupted as stop:
        complain(str(stop))
        return stop.status
    except (TransferError, ServiceError, Refused) as error:
        complain(str(error))
    except OSError as error:
        complain(": ".join(str(part) for part in (error.filename, error.strerror) if part))
    except Exception as error:
        # A bug of ours: the user gets a line, who sets LOG_LEVEL gets the traceback.
        logger.exception("bench=failed")
        complain(f"unexpected {type(error).__name__}: {error}")
    else:
        return 0
    return 1


@contextlib.contextmanager
def interrupting() -> Iterator[Callable[[], None]]:
    """Raise Interrupted where Ctrl-C or SIGTERM comes in; the second one ends the process.

    Yields what to call when from now on even the first one has to wait: for tidying up.
    """
    came: list[int] = []
    shielded = threading.Event()

    def note(number: int, _frame: FrameType | None) -> None:
        if came:
            os._exit(128 + number)
        came.append(number)
        if not shielded.is_set():
            raise Interrupted(number)

    if threading.current_thread() is not threading.main_thread():
        yield shielded.set
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield shielded.set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
