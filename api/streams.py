"""The standard streams of a command, which may be closed, full, or a pipe that nobody reads.

Rules
    What was asked for goes to stdout (`say`): when that gets lost, the command has failed.
    What is only told goes to stderr (`tell`): when that gets lost, nothing else changes.
    A stream that failed once is led into nothing. Python flushes both once more when it exits, and
    a failure there would print a traceback or replace the exit status.
"""

import contextlib
import os
import sys
from typing import Literal, TextIO


class OutputLost(Exception):
    """Stdout did not take what was asked for; the message says why.

    It is empty when the reader has gone, who knows that best.
    """


def open_closed() -> None:
    """Put /dev/null where a standard stream was closed before the process began.

    Python has None in their place. And whatever is opened next would get their number, and then
    what a child or a library prints. Call it before anything is opened.
    """
    if sys.stdin is None:
        sys.stdin = _nothing("r")
    if sys.stdout is None:
        sys.stdout = _nothing("w")
    if sys.stderr is None:
        sys.stderr = _nothing("w")


def say(text: str) -> None:
    """Print lines that were asked for. Raises OutputLost."""
    try:
        print(text, flush=True)  # noqa: T201 - what was asked for
    except OSError as error:
        _silence(sys.stdout)
        gone = isinstance(error, BrokenPipeError)
        reason = "" if gone else f"cannot write to standard output: {error.strerror}"
        raise OutputLost(reason) from None


def tell(text: str) -> None:
    """Print lines for whoever watches; never raises."""
    try:
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - for the user
    except OSError:
        _silence(sys.stderr)


def settle() -> None:
    """Leave nothing in the streams that could fail when Python exits."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _silence(stream)


def _nothing(mode: Literal["r", "w"]) -> TextIO:
    # The lowest free number is the stream's own, which children shall inherit like any other.
    descriptor = os.open(os.devnull, os.O_RDWR)
    os.set_inheritable(descriptor, True)
    return open(descriptor, mode, encoding="utf-8", closefd=False)


def _silence(stream: TextIO) -> None:
    with contextlib.suppress(OSError), open(os.devnull, "wb") as nothing:  # noqa: PTH123 - no Path
        os.dup2(nothing.fileno(), stream.fileno())
