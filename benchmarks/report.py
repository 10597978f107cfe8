"""Raw figures on disk, and the report made of them. Nothing is measured here.

`BENCHMARK.md` is rendered from whatever results there are, so the same files give the same report,
on any machine. Verdicts are worked out anew: a bound that changed shows at once.
"""

import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from api.sizes import human_size
from benchmarks import plots
from benchmarks.situation import MB, US, Check, Result, Run, Situation

INTRODUCTION = f"""\
How fast, how small and how steady `alldebrid-client` is, beside other downloaders on the same
machine in the same minutes. Server and clients share one machine and talk over loopback: the ratios
mean something, the absolute figures little. Contestants run in turns, medians are compared, and
every file is compared byte by byte with the one that was served, after the clock has stopped.

`make bench` measures all of this and writes this file; `make bench ARGS='--only 1,3 --size 512M
--runs 1'` a part of it. It installs none of the other programs and says which are missing. The raw
figures of every run are in `benchmarks/results`. MB are 10^6 bytes. Our own runs, called
`{US}`, are watched ten times a second by a thread of their own, which is part of what
they take.
"""


def keep(result: Result, folder: Path) -> None:
    """Write one situation's raw figures, in place of those of before."""
    folder.mkdir(parents=True, exist_ok=True)
    bare = msgspec.json.encode(msgspec.structs.replace(result, runs=()))
    runs = b",\n".join(msgspec.json.encode(run) for run in result.runs)
    text = bare.removesuffix(b"]}") + b"\n" + runs + b"\n]}\n"  # a line for each run
    (folder / f"{stem(result)}.json").write_bytes(text)


def load(folder: Path) -> list[Result]:
    """Read all raw figures, in the order of the situations."""
    found = [
        msgspec.json.decode(path.read_bytes(), type=Result)
        for path in sorted(folder.glob("[0-9][0-9]-*.json"))
    ]
    return sorted(found, key=lambda result: result.number)


def stem(result: Result) -> str:
    """Return what the names of a situation's files begin with."""
    return f"{result.number:02}-{result.name}"


def write(path: Path, folder: Path, known: Mapping[int, Situation]) -> None:
    """Draw the plots into `folder`, and write the report."""
    results = [result for result in load(folder) if result.number in known]
    pictures = {}
    for result in results:
        situation = known[result.number]
        drawn = [plots.draw(result.runs, folder / f"{stem(result)}.svg", situation.title)]
        if situation.draw is not None:
            drawn += situation.draw(result.runs, folder, stem(result))
        pictures[result.number] = [
            os.path.relpath(each, path.parent) for each in drawn if each is not None
        ]
    path.write_text(render(results, known, pictures))


def render(
    results: Sequence[Result],
    known: Mapping[int, Situation],
    pictures: Mapping[int, Sequence[str]],
) -> str:
    """Return the report; `pictures` are paths from where it will stand."""
    checks = {one.number: known[one.number].verdict(one.runs) for one in results}
    parts = ["# Benchmark", INTRODUCTION.rstrip()]
    if results:
        parts += [_machine(results), _summary(results, checks), _table(results, known, checks)]
    absent = [f"{number} ({known[number].title})" for number in known if number not in checks]
    if absent:
        parts.append("Not measured: " + "; ".join(absent) + ".")
    parts += [
        _section(one, known[one.number], checks[one.number], pictures.get(one.number, ()))
        for one in results
    ]
    return "\n\n".join(parts) + "\n"


def mark(check: Check) -> str:
    """Return a verdict as a word."""
    return {True: "yes", False: "NO", None: "?"}[check.reached]


def _machine(results: Sequence[Result]) -> str:
    newest = max(results, key=lambda result: result.date)
    rows = [[name, value] for name, value in newest.machine.items()]
    rows.append(["versions", ", ".join(f"{name} {v}" for name, v in newest.versions.items())])
    dates = sorted({result.date[:10] for result in results})
    rows.append(["measured", " to ".join(dict.fromkeys((dates[0], dates[-1])))])
    others = [str(one.number) for one in results if one.machine != newest.machine]
    note = f"\n\nMeasured elsewhere: situations {', '.join(others)}." if others else ""
    return "## Machine\n\n" + table(["", ""], rows) + note


def _summary(results: Sequence[Result], checks: Mapping[int, Sequence[Check]]) -> str:
    every = [(one.number, check) for one in results for check in checks[one.number]]
    reached = sum(1 for _, check in every if check.reached)
    text = f"## Results\n\n{reached} of {len(every)} requirements are reached."
    if missed := [
        f"- {number}: {check.what} is {check.measured}, required is {check.required}"
        for number, check in every
        if check.reached is False
    ]:
        text += " Not reached:\n\n" + "\n".join(missed)
    if open_ := [f"- {number}: {check.what}" for number, check in every if check.reached is None]:
        text += "\n\nCould not be measured:\n\n" + "\n".join(open_)
    return text


def _table(
    results: Sequence[Result],
    known: Mapping[int, Situation],
    checks: Mapping[int, Sequence[Check]],
) -> str:
    rows = []
    for one in results:
        for number, check in enumerate(checks[one.number]):
            first = number == 0
            said = f"**{mark(check)}**" if check.reached is False else mark(check)
            rows.append(
                [
                    f"[{one.number}](#{anchor(one)})" if first else "",
                    known[one.number].title if first else "",
                    check.what,
                    check.required,
                    check.measured,
                    said,
                ]
            )
    return table(["#", "Situation", "What", "Required", "Measured", "Reached"], rows)


def anchor(result: Result) -> str:
    """Return the id of a situation's section."""
    return f"situation-{result.number}"


def _section(
    result: Result, situation: Situation, checks: Sequence[Check], pictures: Iterable[str]
) -> str:
    parts = [
        f'<a id="{anchor(result)}"></a>\n\n## {result.number}. {situation.title}',
        situation.how,
        (
            f"File size {human_size(result.size)}, {result.runs_each} runs of each,"
            f" {result.date.replace('T', ' ').removesuffix('+00:00')} UTC: `{result.command}`"
        ),
        table(["What", "Required", "Measured", "Reached"], [_row(check) for check in checks]),
        _medians(result.runs),
    ]
    parts += [f"![{situation.title}]({each})" for each in pictures]
    parts.append(
        f"<details><summary>All {len(result.runs)} runs</summary>\n\n{_runs(result.runs)}\n\n"
        "</details>"
    )
    return "\n\n".join(parts)


def _row(check: Check) -> list[str]:
    return [check.what, check.required, check.measured, mark(check)]


def grouped(runs: Iterable[Run]) -> dict[tuple[str, str], list[Run]]:
    """Return the runs by contestant and variant, in the order in which those first ran."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.label, run.variant), []).append(run)
    return groups


def _medians(runs: Iterable[Run]) -> str:
    rows = []
    for (label, variant), group in grouped(runs).items():
        good = [run for run in group if not run.failed]
        speeds = [run.speed / MB for run in good] or [0.0]
        rows.append(
            [
                label,
                variant,
                f"{statistics.median(speeds):.0f}" if any(speeds) else "",
                f"{min(speeds):.0f} to {max(speeds):.0f}" if any(speeds) else "",
                f"{statistics.median(run.cpu for run in good):.2f}" if good else "",
                f"{max(run.peak_rss for run in good) / MB:.1f}" if good else "",
                f"{len(group) - len(good)} failed" if len(good) < len(group) else "",
            ]
        )
    heads = ["", "", "MB/s, median", "MB/s, range", "CPU s, median", "Peak MB, worst", ""]
    return table(heads, rows)


def _runs(runs: Iterable[Run]) -> str:
    rows = [
        [
            run.label,
            run.variant,
            f"{run.seconds:.2f}",
            f"{run.speed / MB:.1f}" if run.bytes else "",
            f"{run.cpu:.2f}",
            f"{run.peak_rss / MB:.1f}",
            f"failed: {run.failed}" if run.failed else notes(run.notes),
        ]
        for run in runs
    ]
    return table(["", "", "Seconds", "MB/s", "CPU s", "Peak MB", "Notes"], rows)


def notes(given: Mapping[str, float | str]) -> str:
    """Return a run's further figures as text; bytes are read better as MB."""
    told = []
    for name, value in given.items():
        large = isinstance(value, int) and ("bytes" in name or "resident" in name) and value >= MB
        told.append(f"{name} {value / MB:.1f} MB" if large else f"{name} {value}")
    return ", ".join(told)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, without the columns that are empty all the way down."""
    lines = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    used = [at for at, head in enumerate(heads) if head or any(row[at] for row in lines)]
    wanted = [heads, ["---"] * len(heads), *lines]
    return "\n".join("| " + " | ".join(row[at] for at in used) + " |" for row in wanted)
