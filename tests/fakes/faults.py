"""What can be wrong with a file host, said in English.

Theory
    For each request the host first makes the right answer, then lets every fault that is meant
    for the request change it. A fault is meant for

    * the file `path` (any if not given),
    * requests for bytes `covering` a place: an offset, or a fraction of the file (0.5),
    * the `nth` such request from now on, and
    * the following ones, `times` in all (None: until it is lifted).

    A fault counts only where it does something: a reset after 1 MiB waits for an answer that is
    longer, a lie about the range for an answer that has one. Several faults may be at work in one
    answer; one that replaces it altogether goes first and leaves nothing for the others.

    Every method returns the Fault. It is a context manager that ends the fault, `wait()` waits
    until it has struck, `hits` counts.
"""

import dataclasses
import enum
import functools
import gzip
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Self

from tests.fakes.content import Blob, Content

PATIENCE = 10.0
"""Seconds a test waits for something that happens at once, before it fails."""

Place = int | float
"""An offset in bytes (int) or a fraction of the file (float)."""


class Cut(Exception):
    """Thrown where a connection is to be cut."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__("reset" if reset else "closed")
        self.reset = reset


class Incident(enum.Enum):
    """What may happen in the middle of a body."""

    RESET = enum.auto()
    CLOSE = enum.auto()
    STALL = enum.auto()


class Phase(enum.IntEnum):
    """In which order faults change an answer."""

    REPLACE = 0
    """Another answer altogether."""
    RESHAPE = 1
    """Another body or framing."""
    MISLABEL = 2
    """Other headers."""
    DISTURB = 3
    """Other bytes, other times, an early end."""


@dataclasses.dataclass
class Asked:
    """A request the host has read, and what became of it."""

    number: int
    """From 1, over all connections."""
    connection: int
    """From 1, in the order they were accepted."""
    method: str
    target: str
    """As it stood in the request line."""
    path: str
    """The file that is meant: decoded, without query, renewed links led back."""
    headers: dict[str, str]
    """Lower-case names."""
    range: tuple[int, int | None] | None
    """Half-open; None when no range or a malformed one was asked for."""
    status: int = 0
    start: int = 0
    """Offset in the file of the first byte of the body."""
    sent: int = 0
    """Bytes of the file handed to the system as body of the answer."""
    at: float = 0.0
    """When it was read: seconds of the monotonic clock."""


@dataclasses.dataclass
class Answer:
    """What is going to be sent; faults change it."""

    status: int
    headers: dict[str, str]
    content: Content
    start: int
    end: int
    is_file: bool
    """False for errors and redirects: faults leave them alone."""
    keep_alive: bool = True
    chunk: int = 0
    """Bytes per chunk; 0 for a body that isn't chunked."""
    delay: float = 0.0
    """Seconds before the head."""
    rate: float = 0.0
    """Bytes per second; 0 for as fast as it goes."""
    head_step: int = 0
    """Bytes of the head sent at a time; 0 for all."""
    head_cut: int = 0
    """Where the head is cut in two, counted round and round; 0 for nowhere."""
    incidents: list[tuple[int, "Fault"]] = dataclasses.field(default_factory=list)
    """Which faults strike after so many bytes of the body."""
    wrong: set[int] = dataclasses.field(default_factory=set)
    """Offsets in the file whose byte is sent inverted."""

    @property
    def length(self) -> int:
        return self.end - self.start


class Wire:
    """What a fault may do with a connection; the host implements it."""

    def wait_for(self, event: threading.Event) -> None:
        """Wait for the event, but no longer than host and client are there."""
        raise NotImplementedError


class Fault:
    """One thing that is wrong; see the module's theory."""

    def __init__(
        self,
        effect: Callable[[Answer], None],
        *,
        phase: Phase,
        incident: Incident | None = None,
        fits: Callable[[Answer], bool] | None = None,
        path: str | None = None,
        covering: Place | None = None,
        nth: int = 1,
        times: int | None = None,
    ) -> None:
        self.phase = phase
        self.hits = 0
        self.released = threading.Event()
        """Set when stalled answers may go on."""
        self._effect = effect
        self._incident = incident
        self._fits = fits or (lambda _: True)
        self._path = path
        self._covering = covering
        self._to_skip = nth - 1
        self._times = times
        self._struck = threading.Event()
        self._lifted = False

    def __repr__(self) -> str:
        return f"Fault({self.phase.name}, hits={self.hits}{', lifted' if self._lifted else ''})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.lift()

    def lift(self) -> None:
        """End the fault; what it stalls goes on."""
        self._lifted = True
        self.released.set()

    def release(self) -> None:
        """Let stalled answers go on."""
        self.released.set()

    def wait(self) -> None:
        """Wait until the fault has struck once."""
        assert self._struck.wait(PATIENCE), f"{self!r} has not struck in {PATIENCE} s"

    def strike(self, wire: Wire) -> None:
        """Happen, in the middle of a body. Raises Cut."""
        self._struck.set()
        if self._incident is Incident.STALL:
            wire.wait_for(self.released)
        else:
            raise Cut(reset=self._incident is Incident.RESET)

    def change(self, asked: Asked, answer: Answer) -> None:
        """Change the answer if the fault is meant for it. The host holds its lock."""
        if self._lifted or not self._is_meant_for(asked, answer):
            return
        if self._to_skip:
            self._to_skip -= 1
            return
        if self._times is not None and self.hits >= self._times:
            return
        self.hits += 1
        self._effect(answer)
        if self._incident is None:
            self._struck.set()

    def _is_meant_for(self, asked: Asked, answer: Answer) -> bool:
        if not answer.is_file or self._path not in (None, asked.path) or not self._fits(answer):
            return False
        return self._covering is None or covers(answer, self._covering)


class Faults:
    """The faults of a host, as methods. Any thread; they hold from the next request on."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    # Connections that break.

    def resets_after(self, size: int, *, times: int | None = 1, **meant) -> Fault:
        """Reset the connection (RST) after `size` bytes of a body; the last of them may be lost."""
        return self._after(Incident.RESET, size, times=times, **meant)

    def closes_after(self, size: int, *, times: int | None = 1, **meant) -> Fault:
        """Close the connection (FIN, no TLS good-bye) after `size` bytes of a body."""
        return self._after(Incident.CLOSE, size, times=times, **meant)

    def resets_at(self, place: Place, *, times: int | None = 1, **meant) -> Fault:
        """Reset the connection before the byte at `place` of the file; some before may be lost."""
        return self._at(Incident.RESET, place, times=times, **meant)

    def closes_at(self, place: Place, *, times: int | None = 1, **meant) -> Fault:
        """Close the connection before the byte at `place` of the file."""
        return self._at(Incident.CLOSE, place, times=times, **meant)

    def hangs_up(self, *, times: int | None = 1, **meant) -> Fault:
        """Close the connection instead of answering."""

        def effect(answer: Answer) -> None:
            answer.status = 0
            answer.is_file = False

        return self._add(effect, Phase.REPLACE, times=times, **meant)

    # Time.

    def stalls_after(self, size: int, *, times: int | None = 1, **meant) -> Fault:
        """Send nothing more after `size` bytes of a body, until the fault is released."""
        return self._after(Incident.STALL, size, times=times, **meant)

    def stalls_at(self, place: Place, *, times: int | None = 1, **meant) -> Fault:
        """Send nothing more from the byte at `place` of the file on, until released."""
        return self._at(Incident.STALL, place, times=times, **meant)

    def trickles(self, bytes_per_second: float, *, times: int | None = None, **meant) -> Fault:
        """Limit the speed of each connection."""

        def effect(answer: Answer) -> None:
            answer.rate = bytes_per_second

        return self._add(effect, Phase.DISTURB, times=times, **meant)

    def first_byte_after(self, seconds: float, *, times: int | None = None, **meant) -> Fault:
        """Wait before each answer."""

        def effect(answer: Answer) -> None:
            answer.delay = seconds

        return self._add(effect, Phase.DISTURB, times=times, **meant)

    # Other answers.

    def answers(
        self,
        status: int,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        times: int | None = 1,
        **meant,
    ) -> Fault:
        """Answer with a status, headers and body of the test's own."""

        def effect(answer: Answer) -> None:
            replace_answer(answer, status, headers or {}, body)

        return self._add(effect, Phase.REPLACE, times=times, **meant)

    def busy(
        self,
        times: int | None = 1,
        retry_after: float | str | None = None,
        *,
        status: int = 503,
        **meant,
    ) -> Fault:
        """Answer 503 (or 429), with Retry-After if given: seconds, or a date as text."""
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after}"}
        return self.answers(status, headers, b"rate limiting, please retry", times=times, **meant)

    def redirects(self, to: str, times: int | None = None, *, status: int = 302, **meant) -> Fault:
        """Send the client elsewhere."""
        return self.answers(status, {"Location": to}, times=times, **meant)

    def sends_html(self, status: int = 200, *, times: int | None = 1, **meant) -> Fault:
        """Send a web page instead of the file."""
        headers = {"Content-Type": "text/html; charset=utf-8"}
        page = b"<html><body>Server not allowed</body></html>"
        return self.answers(status, headers, page, times=times, **meant)

    # Bodies that differ.

    def ignores_ranges(self, *, times: int | None = None, **meant) -> Fault:
        """Answer 200 with the whole file, whatever range is asked for."""

        def effect(answer: Answer) -> None:
            answer.status = 200
            answer.start, answer.end = 0, answer.content.size
            answer.headers.pop("Content-Range", None)
            answer.headers.pop("Accept-Ranges", None)
            answer.headers["Content-Length"] = str(answer.length)

        return self._add(effect, Phase.RESHAPE, times=times, **meant)

    def compresses(self, *, times: int | None = None, **meant) -> Fault:
        """Send the range compressed with gzip, although nobody asked for it."""

        def effect(answer: Answer) -> None:
            plain = b"".join(answer.content.views(answer.start, answer.end))
            answer.content = Blob(gzip.compress(plain, 1, mtime=0))
            answer.start, answer.end = 0, answer.content.size
            answer.headers["Content-Encoding"] = "gzip"
            answer.headers["Content-Length"] = str(answer.length)

        return self._add(effect, Phase.RESHAPE, times=times, **meant)

    def sends_chunked(self, size: int = 64 * 1024, *, times: int | None = None, **meant) -> Fault:
        """Send the body in chunks of `size` bytes and no Content-Length."""

        def effect(answer: Answer) -> None:
            answer.chunk = size
            answer.headers.pop("Content-Length", None)
            answer.headers["Transfer-Encoding"] = "chunked"

        return self._add(effect, Phase.RESHAPE, times=times, **meant)

    def sends_until_close(self, *, times: int | None = None, **meant) -> Fault:
        """Send no length at all; the body ends where the connection does."""

        def effect(answer: Answer) -> None:
            answer.headers.pop("Content-Length", None)
            answer.keep_alive = False

        return self._add(effect, Phase.RESHAPE, times=times, **meant)

    def corrupts(self, place: Place, *, times: int | None = 1, **meant) -> Fault:
        """Send one wrong byte, at `place` of the file."""

        def effect(answer: Answer) -> None:
            answer.wrong.add(offset(answer, place))

        return self._add(
            effect, Phase.DISTURB, fits=functools.partial(covers, place=place), times=times, **meant
        )

    # Heads that lie, or are odd.

    def lies_about_range(
        self,
        content_range: str | None = None,
        *,
        shift: int = 1,
        times: int | None = 1,
        **meant,
    ) -> Fault:
        """Send another Content-Range: the text given, or the true one shifted by some bytes."""

        def effect(answer: Answer) -> None:
            first, last = answer.start + shift, answer.end - 1 + shift
            shifted = f"bytes {first}-{last}/{answer.content.size}"
            answer.headers["Content-Range"] = content_range or shifted

        return self._add(effect, Phase.MISLABEL, fits=is_part, times=times, **meant)

    def lies_about_total(self, total: int | str, *, times: int | None = 1, **meant) -> Fault:
        """Say in Content-Range that the file has another size ("*": that nobody knows it)."""

        def effect(answer: Answer) -> None:
            answer.headers["Content-Range"] = f"bytes {answer.start}-{answer.end - 1}/{total}"

        return self._add(effect, Phase.MISLABEL, fits=is_part, times=times, **meant)

    def sends_headers(
        self, headers: Mapping[str, str | None], *, times: int | None = None, **meant
    ) -> Fault:
        """Send these headers instead of the right ones; None leaves one out."""

        def effect(answer: Answer) -> None:
            for name, value in headers.items():
                answer.headers.pop(name, None)
                if value is not None:
                    answer.headers[name] = value

        return self._add(effect, Phase.MISLABEL, times=times, **meant)

    def sends_no_validators(self, **meant) -> Fault:
        """Send neither ETag nor Last-Modified."""
        return self.sends_headers({"ETag": None, "Last-Modified": None}, **meant)

    def sends_oversized_head(
        self, size: int = 128 * 1024, *, times: int | None = 1, **meant
    ) -> Fault:
        """Send a head of more than `size` bytes."""
        return self.sends_headers({"X-Padding": "x" * size}, times=times, **meant)

    def splits_head_every(self, size: int, *, times: int | None = None, **meant) -> Fault:
        """Send the head `size` bytes at a time."""

        def effect(answer: Answer) -> None:
            answer.head_step = size

        return self._add(effect, Phase.MISLABEL, times=times, **meant)

    def splits_head_at(self, place: int, *, times: int | None = 1, **meant) -> Fault:
        """Send the head in two pieces, the first of `place` bytes (modulo the head's length)."""

        def effect(answer: Answer) -> None:
            answer.head_cut = place

        return self._add(effect, Phase.MISLABEL, times=times, **meant)

    # The world goes on while a request is answered.

    def meanwhile(self, action: Callable[[], object], *, times: int = 1, **meant) -> Fault:
        """Do something when such a request comes; its own answer stays what it was.

        `action` may use the methods of this host, not those of another one that may do the same.
        """

        def effect(_: Answer) -> None:
            action()

        return self._add(effect, Phase.DISTURB, times=times, **meant)

    # What the methods above are made of.

    def _add(self, effect: Callable[[Answer], None], phase: Phase, **meant) -> Fault:
        fault = Fault(effect, phase=phase, **meant)
        self.faults = sorted([*self.faults, fault], key=lambda each: each.phase)
        return fault

    def _after(self, incident: Incident, size: int, **meant) -> Fault:
        def effect(answer: Answer) -> None:
            answer.incidents.append((size, fault))

        fits = functools.partial(is_longer, size=size)
        fault = self._add(effect, Phase.DISTURB, incident=incident, fits=fits, **meant)
        return fault

    def _at(self, incident: Incident, place: Place, **meant) -> Fault:
        def effect(answer: Answer) -> None:
            answer.incidents.append((offset(answer, place) - answer.start, fault))

        fits = functools.partial(covers, place=place)
        fault = self._add(effect, Phase.DISTURB, incident=incident, fits=fits, **meant)
        return fault


def replace_answer(answer: Answer, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Make `answer` one that has nothing to do with the file."""
    answer.status = status
    answer.headers = {"Content-Type": "text/plain", "Content-Length": str(len(body)), **headers}
    answer.content = Blob(body)
    answer.start, answer.end = 0, len(body)
    answer.is_file = False


def offset(answer: Answer, place: Place) -> int:
    return int(place * answer.content.size) if isinstance(place, float) else place


def covers(answer: Answer, place: Place) -> bool:
    return answer.start <= offset(answer, place) < answer.end


def is_longer(answer: Answer, size: int) -> bool:
    return answer.length > size


def is_part(answer: Answer) -> bool:
    return answer.status == 206


def fetched_again(ranges: Iterable[tuple[int, int]]) -> int:
    """Return how many bytes lie in more than one of some half-open ranges, counted each time."""
    again = reached = 0
    for start, end in sorted(ranges):
        again += max(0, min(end, reached) - start)
        reached = max(reached, end)
    return again
