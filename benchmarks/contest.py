"""Runs of several contestants, in turns, so that all see the same weather."""

from collections.abc import Callable, Mapping, Sequence

from benchmarks import contestants
from benchmarks.servers import Served
from benchmarks.situation import Context, Run

OneRun = Callable[[], Run]


def alternate(context: Context, ways: Mapping[str, OneRun], rounds: int | None = None) -> list[Run]:
    """Run each way once, and all again, `context.runs` times; every other round backwards.

    The first to run after another's writes is not always the same one then.
    """
    runs = []
    for number in range(rounds or context.runs):
        names = list(ways) if number % 2 == 0 else list(reversed(ways))
        for name in names:
            run = ways[name]()
            runs.append(run)
            context.say(f"  {name}: {told(run)}")
    return runs


def told(run: Run) -> str:
    """Return a run in a few words."""
    if run.failed:
        return f"failed: {run.failed}"
    return (
        f"{run.speed / 1e6:.0f} MB/s, {run.seconds:.2f} s, CPU {run.cpu:.2f} s,"
        f" {run.peak_rss / 1e6:.0f} MB"
    )


def peers(
    context: Context, served: Served, names: Sequence[str], variant: str = ""
) -> dict[str, OneRun]:
    """Return the ways of those peers that are there."""
    return {
        f"{name} {variant}".strip(): _way(context, served, name, variant)
        for name in names
        if name in context.peers
    }


def us(
    context: Context, served: Served, *options: str, variant: str = "", interval: float = 0.1
) -> dict[str, OneRun]:
    """Return our own way."""

    def run() -> Run:
        return contestants.us(served, context.work, *options, variant=variant, interval=interval)

    return {f"alldebrid-client {variant}".strip(): run}


def ceilings(context: Context, served: Served, variant: str = "") -> dict[str, OneRun]:
    """Return what says whether the disk limits us, or we ourselves."""

    def disk() -> Run:
        return contestants.disk_alone(served.size, context.work, variant)

    def sink() -> Run:
        return contestants.into_a_sink(served, context.work, variant)

    return {
        f"{contestants.DISK} {variant}".strip(): disk,
        f"{contestants.SINK} {variant}".strip(): sink,
    }


def _way(context: Context, served: Served, name: str, variant: str) -> OneRun:
    return lambda: contestants.PEERS[name](served, context.work, variant)
