"""The line of `benchmarks.line`, whose bursts come to an end.

    python -m benchmarks.hdd_line --size 4G --rate 400e6 --on 2 --off 2 --bursts 30 --steady 20e6

After `--bursts` seconds the bytes flow without a pause, at the rate of `--steady`, for
`--steady-for` seconds. Whatever path is asked for, the bytes are the same.
"""

import argparse
import contextlib
import socket
import sys

from api.sizes import parse_size
from benchmarks.line import Line, Shape


class Ending(Shape, frozen=True, kw_only=True):
    """A line with an end to its bursts."""

    bursts: float = 0
    """Seconds after the first request from which bytes flow steadily; 0: never."""
    steady: float = 0
    """Bytes per second of all connections together from then on."""
    steady_for: float = 0
    """Seconds of that, after which the rate is what it was in the bursts; 0: to the end."""

    def ended(self, elapsed: float) -> bool:
        """Tell whether the bursts are over, `elapsed` seconds after the first request."""
        return bool(self.bursts) and elapsed >= self.bursts

    def rate_at(self, elapsed: float) -> float:
        """Return the bytes per second, `elapsed` seconds after the first request."""
        if not self.ended(elapsed):
            return self.rate
        over = self.steady_for and elapsed >= self.bursts + self.steady_for
        return self.rate if over else self.steady

    def closed_for(self, elapsed: float) -> float:
        """Return the seconds until bytes flow, `elapsed` seconds after the first request."""
        return 0.0 if self.ended(elapsed) else super().closed_for(elapsed)


class EndingLine(Line):
    """A line that turns steady."""

    def __init__(self, listener: socket.socket, size: int, ending: Ending) -> None:
        super().__init__(listener, size, ending, None)
        self._ending_shape = ending

    def _measure(self, now: float) -> None:
        super()._measure(now)
        if self._began is not None:
            self._all.rate = self._ending_shape.rate_at(now - self._began)


def main() -> int:
    """Serve a pattern as the options say."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--size", type=parse_size, default=parse_size("4G"))
    for name in ("rate", "on", "off", "bursts", "steady", "steady-for"):
        options.add_argument(f"--{name}", type=float, default=0)
    chosen = vars(options.parse_args())
    size = chosen.pop("size")
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        line = EndingLine(listener, size, Ending(**chosen))
        print(f"ready {listener.getsockname()[1]}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            line.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
