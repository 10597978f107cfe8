"""A clock that stands still until a test sets it."""


class Clock:
    """Gives `now`, in seconds, to whoever calls it; a test moves it."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __repr__(self) -> str:
        return f"<Clock {self.now}>"

    def __call__(self) -> float:
        return self.now
