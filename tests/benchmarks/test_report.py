"""The report: rendered from the raw figures alone, and honest about what is missing."""

import pytest

from benchmarks import plots, report
from benchmarks.situation import MB, US, Check, Result, Run, Sample, Situation

SERIES = tuple(Sample(n / 10, n * MB, 50 * MB, 8 * MB, n * MB, 4) for n in range(30))


def result(number=1, **more):
    runs = (
        Run(label=US, seconds=2, bytes=100 * MB, cpu=1.5, peak_rss=60 * MB, series=SERIES),
        Run(label="aria2c", seconds=4, bytes=100 * MB, notes={"a|b": 1}),
        Run(label="aria2c", seconds=4, bytes=100 * MB, failed="exit status 3"),
    )
    given = {"name": "made-up", "size": 100 * MB, "runs_each": 1, "seconds": 9.0, "runs": runs}
    given |= {"date": "2026-01-02T03:04:05+00:00", "command": "make bench", "versions": {"x": "1"}}
    given |= {"machine": {"cores": "2"}}
    return Result(number=number, **(given | more))


def situation(number=1, checks=()):
    return Situation(
        number=number,
        name="made-up",
        title=f"Title {number}",
        how="Measured somehow.",
        run=lambda _: [],
        verdict=lambda _: list(checks),
    )


CHECKS = [
    Check("speed", "at least 2 times", "1.5 times", reached=False),
    Check("memory", "at most 9 MB", "8 MB", reached=True),
    Check("axel", "at least 2 times", "not measured", reached=None),
]


def test_raw_figures_come_back_as_they_were_kept(tmp_path):
    report.keep(result(2), tmp_path)
    report.keep(result(1), tmp_path)
    report.keep(result(1, size=5), tmp_path)  # measured again

    assert report.load(tmp_path) == [result(1, size=5), result(2)]


def test_what_is_not_reached_is_said_first_and_plainly():
    text = report.render([result()], {1: situation(1, CHECKS)}, {})

    assert "1 of 3 requirements are reached. Not reached:" in text
    assert "- 1: speed is 1.5 times, required is at least 2 times" in text
    assert "Could not be measured:\n\n- 1: axel" in text
    assert "| **NO** |" in text


def test_situations_without_figures_are_named():
    text = report.render([result()], {1: situation(1), 2: situation(2)}, {})

    assert "Not measured: 2 (Title 2)." in text


def test_every_run_is_in_the_report_also_those_that_failed():
    text = report.render([result()], {1: situation()}, {1: ["results/p.svg"]})

    assert "| alldebrid-client | 2.00 | 50.0 | 1.50 | 60.0 |" in text
    assert "failed: exit status 3" in text
    assert "1 failed" in text
    assert r"a\|b 1" in text
    assert "![Title 1](results/p.svg)" in text


def test_nothing_measured_makes_a_report_that_says_so():
    assert "Not measured: 1 (Title 1)." in report.render([], {1: situation()}, {})


def test_figures_from_another_machine_are_marked():
    results = [result(1), result(2, machine={"cores": "64"}, date="2025-01-01T00:00:00+00:00")]

    text = report.render(results, {1: situation(1), 2: situation(2)}, {})

    assert "Measured elsewhere: situations 2." in text
    assert "2025-01-01 to 2026-01-02" in text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"ring peak bytes": 9_500_000}, "ring peak bytes 9.5 MB"),
        ({"writes": 9_500_000}, "writes 9500000"),
        ({"bytes written": 0, "p99 ms": 1.5}, "bytes written 0, p99 ms 1.5"),
    ],
)
def test_large_counts_of_bytes_are_read_as_megabytes(given, told):
    assert report.notes(given) == told


def test_throughput_is_taken_over_steady_spans():
    points = plots.throughput(SERIES)

    assert [rate for _, rate in points] == pytest.approx([10 * MB] * len(points))
    assert plots.throughput([]) == []


def test_the_typical_run_is_the_median_one_of_each_contestant():
    runs = [Run(label=US, seconds=s, bytes=MB) for s in (3, 1, 2)]
    runs += [Run(label="axel", seconds=1, bytes=MB, failed="x")]

    assert plots.typical(runs) == [runs[2]]


def test_thinning_keeps_the_end():
    series = [Sample(n, n, 0) for n in range(9999)]

    kept = plots.thinned(series)

    assert len(kept) <= 2 * plots.MOST_POINTS
    assert kept[-1] == series[-1]


def test_contestants_keep_their_colours_and_ways_of_ours_differ():
    runs = [Run(label=US, variant=v, seconds=1, bytes=1) for v in ("a", "b")]
    runs += [Run(label="aria2c", variant=v, seconds=1, bytes=1) for v in ("a", "b")]

    assert len(set(plots.palette(runs).values())) == 4


def test_a_legend_has_as_many_columns_as_fit():
    assert plots.columns(["aria2c", "axel"]) == 2
    assert plots.columns(["x" * 60] * 4) == 1


def test_runs_without_a_series_make_no_plot(tmp_path):
    assert plots.draw([Run(label=US, seconds=1, bytes=1)], tmp_path / "p.svg", "t") is None
