"""Plots of runs over time: throughput, resident memory and ring, write offset.

Of every contestant the run of median speed is drawn. The files are the same for the same runs, so
that drawing them again changes nothing.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.situation import MB, US, Run, Sample

WIDTH = 9.0
PANEL = 2.6
"""Inches."""

STEPS = 80
"""Points of a line of throughput at most: fewer than the samples, whose steps are the writer's."""

SHORTEST_STEP = 0.25
"""Seconds over which a throughput is taken at least."""

MOST_POINTS = 400

OURS = ("#0b5fa5", "#12a4a4", "#7b4ab8", "#3f8f3a", "#c2408a", "#6b7a1f")
THEIRS = {
    "aria2c": ("#e07b00", "#f3b366"),
    "axel": ("#a0522d", "#d39c80"),
    "curl": ("#6e6e6e", "#b0b0b0"),
}
OTHERS = ("#444444", "#999999")

LEGEND_WIDTH = 105
"""Characters that fit beside one another in a legend, the lines before them included."""

STYLE: dict[str, Any] = {
    "svg.hashsalt": "benchmarks",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.5,
    "savefig.facecolor": "white",
}


def draw(runs: Sequence[Run], path: Path, title: str) -> Path | None:
    """Draw what there is to be seen of runs into an SVG file; None when there is nothing."""
    shown = [run for run in typical(runs) if len(run.series) > 1]
    moving = [run for run in shown if run.bytes]
    written = [run for run in moving if any(sample.written for sample in run.series)]
    held = [run for run in shown if run.label != "curl"]  # the sum of 16 processes says nothing
    panels = [
        (drawer, some)
        for drawer, some in ((_throughput, moving), (_memory, held), (_offset, written))
        if some
    ]
    if not panels:
        return None
    import matplotlib as mpl  # noqa: PLC0415 - heavy, and only wanted when something is drawn

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    colours = palette(shown)
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(
            len(panels),
            1,
            sharex=True,
            squeeze=False,
            figsize=(WIDTH, PANEL * len(panels) + 0.9),
            layout="constrained",
        )
        for (drawer, some), axis in zip(panels, axes[:, 0], strict=True):
            drawer(axis, some, colours)
            axis.set_xlim(left=0)
            axis.set_ylim(bottom=0)
        axes[-1, 0].set_xlabel("seconds")
        alone = len({run.label for run in shown}) == 1
        labels = {name(run): run.variant if alone and run.variant else name(run) for run in shown}
        handles = [
            mpl.lines.Line2D([], [], color=colours[each], label=label)
            for each, label in labels.items()
        ]
        figure.legend(
            handles=handles, loc="outside lower center", ncols=columns(list(labels.values()))
        )
        figure.suptitle(_wrapped(title.replace("`", "")), x=0.01, ha="left", fontsize=10)
        figure.savefig(path, format="svg", metadata={"Date": None})
        plt.close(figure)
    return path


def typical(runs: Sequence[Run]) -> list[Run]:
    """Return of every contestant the run of median speed (the upper one of two)."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        if not run.failed:
            groups.setdefault(name(run), []).append(run)
    return [sorted(group, key=lambda one: one.speed)[len(group) // 2] for group in groups.values()]


def name(run: Run) -> str:
    """Return what a run is called in a legend."""
    return f"{run.label}, {run.variant}" if run.variant else run.label


def palette(runs: Sequence[Run]) -> dict[str, str]:
    """Return a colour for each contestant: a cold one for each way of ours, theirs always same."""
    ours = [name(run) for run in runs if run.label == US]
    colours = {each: OURS[number % len(OURS)] for number, each in enumerate(ours)}
    for run in runs:
        shades = THEIRS.get(run.label, OTHERS)
        used = sum(1 for shade in colours.values() if shade in shades)
        colours.setdefault(name(run), shades[used % len(shades)])
    return colours


def columns(labels: Sequence[str]) -> int:
    """Return how many labels fit beside one another."""
    longest = max((len(label) for label in labels), default=0) + 9
    return max(1, min(len(labels), LEGEND_WIDTH // longest))


def throughput(series: Sequence[Sample]) -> list[tuple[float, float]]:
    """Return (seconds, bytes per second) over spans long enough to be steady."""
    if not series:
        return []
    step = max(SHORTEST_STEP, (series[-1].t - series[0].t) / STEPS)
    points = []
    last = series[0]
    for sample in series[1:]:
        if sample.t - last.t >= step:
            middle = (sample.t + last.t) / 2
            points.append((middle, (sample.done - last.done) / (sample.t - last.t)))
            last = sample
    return points


def thinned(series: Sequence[Sample]) -> list[Sample]:
    """Return at most about MOST_POINTS of the samples, the last one among them."""
    every = max(1, len(series) // MOST_POINTS)
    kept = list(series[::every])
    return kept if not series or kept[-1] is series[-1] else [*kept, series[-1]]


def _throughput(axis: Any, runs: Sequence[Run], colours: dict[str, str]) -> None:
    for run in runs:
        points = throughput(run.series)
        axis.plot(*_columns(points, MB), color=colours[name(run)])
    axis.set_title("Throughput, MB/s")


def _memory(axis: Any, runs: Sequence[Run], colours: dict[str, str]) -> None:
    ringed = False
    for run in runs:
        samples = [sample for sample in thinned(run.series) if sample.rss]
        points = [(sample.t, float(sample.rss)) for sample in samples]
        axis.plot(*_columns(points, MB), color=colours[name(run)])
        if any(sample.ring for sample in samples):
            ringed = True
            points = [(sample.t, float(sample.ring or 0)) for sample in samples]
            axis.plot(*_columns(points, MB), color=colours[name(run)], ls=":", lw=1.0)
    dotted = "; dotted: bytes of the ring in use" if ringed else ""
    axis.set_title(f"Resident memory, MB{dotted}")


def _offset(axis: Any, runs: Sequence[Run], colours: dict[str, str]) -> None:
    for run in runs:
        samples = [sample for sample in thinned(run.series) if sample.written is not None]
        points = [(sample.t, float(sample.written or 0)) for sample in samples]
        axis.plot(*_columns(points, 1e9), color=colours[name(run)])
    axis.set_title("Written up to, GB (our file; the others tell no offset)")


def _columns(points: Sequence[tuple[float, float]], unit: float) -> tuple[list[float], list[float]]:
    return [t for t, _ in points], [value / unit for _, value in points]


def _wrapped(title: str) -> str:
    words, lines = title.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 110:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines)
