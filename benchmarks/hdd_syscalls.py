"""How a program writes a file, as the system calls tell: sizes, alignment, order.

A program is run under strace in a run of its own, which is not timed. strace writes one file for
each thread, so no call is torn in two; sorted by time they are what the kernel was asked to do.
Parsing and judging are pure.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

ALIGNMENT = 4096
"""Bytes: what O_DIRECT asks for."""

SMALLEST = 4 << 20
"""Bytes: below this a disk spends more time on the call than on the bytes."""

TIMER = 5.0
"""Seconds after which a byte that waits is written, however few they are."""

CALLS = ("pwrite64", "pwritev", "pwritev2", "write", "lseek")

_CALL = re.compile(
    r"(?P<t>[0-9]+\.[0-9]+) (?P<name>pwrite64|pwritev2?|write|lseek)\([0-9]+<(?P<path>[^>]*)>, "
    r"(?P<rest>.*)\) += (?P<result>[0-9]+)"
)


class Write(msgspec.Struct, frozen=True):
    """A write that the kernel took."""

    t: float
    offset: int
    """Where it began in the file."""
    count: int


class Verdict(msgspec.Struct, frozen=True):
    """What is wrong with a file's writes; all empty is as it should be."""

    writes: int
    small: tuple[Write, ...]
    """Below SMALLEST, and neither the end of the file nor the timer's."""
    unaligned: tuple[Write, ...]
    """Not on ALIGNMENT, but for the end of the file."""
    out_of_order: tuple[Write, ...]
    """Not beginning where the one before ended."""

    @property
    def good(self) -> bool:
        """True when nothing is wrong."""
        return not self.wrong

    @property
    def wrong(self) -> int:
        """How many things are wrong; a write may have several."""
        return len(self.small) + len(self.unaligned) + len(self.out_of_order)

    def told(self) -> str:
        """Return the verdict in a few words."""
        if self.good:
            return f"{self.writes} writes, none small, unaligned or out of order"
        return (
            f"of {self.writes} writes {len(self.small)} small, {len(self.unaligned)} unaligned, "
            f"{len(self.out_of_order)} out of order"
        )


def strace(command: Sequence[str], prefix: Path) -> list[str]:
    """Return what runs `command` under strace, telling to files that begin with `prefix`."""
    flags = ["-ff", "--seccomp-bpf", "-ttt", "-y", "-s", "0", "-o", str(prefix)]
    return ["strace", *flags, "-e", f"trace={','.join(CALLS)}", *command]


def read(prefix: Path) -> list[str]:
    """Return all lines that strace wrote to files that begin with `prefix`."""
    files = sorted(prefix.parent.glob(f"{prefix.name}.*"))
    return [line for file in files for line in file.read_text().splitlines()]


def parse(lines: Iterable[str], name: str) -> list[Write]:
    """Return the writes to the file called `name`, in time order.

    `write(2)` goes where `lseek` or the write before left it; one descriptor at a time is assumed.
    """
    found: list[Write] = []
    at = 0
    matches = (_CALL.match(line) for line in lines)
    for match in sorted((each for each in matches if each), key=lambda each: float(each["t"])):
        if Path(match["path"]).name != name:
            continue
        result = int(match["result"])
        if match["name"] == "lseek":
            at = result
        elif match["name"] == "write":
            found.append(Write(float(match["t"]), at, result))
            at += result
        else:
            found.append(Write(float(match["t"]), _offset(match), result))
    return found


def judge(writes: Sequence[Write], size: int) -> Verdict:
    """Judge the writes of a file of `size` bytes that was written from its first byte."""
    small, unaligned, torn = [], [], []
    at, before = 0, float("-inf")
    for write in writes:
        end = write.offset + write.count
        last = end >= size // ALIGNMENT * ALIGNMENT
        if write.count < SMALLEST and not last and write.t - before < TIMER:
            small.append(write)
        if write.offset % ALIGNMENT or (write.count % ALIGNMENT and end != size):
            unaligned.append(write)
        if write.offset != at:
            torn.append(write)
        at, before = end, write.t
    return Verdict(len(writes), tuple(small), tuple(unaligned), tuple(torn))


def _offset(match: re.Match[str]) -> int:
    """Return the offset among a call's arguments: the last, or the one before the flags."""
    arguments = match["rest"].rsplit(", ", 2)
    return int(arguments[-2 if match["name"] == "pwritev2" else -1])
