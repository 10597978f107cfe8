"""From runs to figures: medians, ratios, verdicts, and what single situations make of theirs."""

import pytest

from benchmarks import fast, faulty, lines, long, polled
from benchmarks.contest import alternate
from benchmarks.contestants import parts, read_series, spans
from benchmarks.payload import difference, make_file
from benchmarks.situation import (
    MB,
    US,
    Context,
    Run,
    Sample,
    all_came,
    at_least,
    at_most,
    bound,
    median_cpu,
    median_speed,
    peak_rss,
)


def run(label=US, seconds=1.0, *, variant="", size=100 * MB, **more):
    return Run(label=label, variant=variant, seconds=seconds, bytes=size, **more)


def test_medians_are_of_one_contestant_and_of_runs_that_count():
    runs = [run(seconds=s, cpu=s, peak_rss=int(s * 10)) for s in (1, 2, 4)]
    runs += [run(seconds=0.001, failed="broke off"), run("aria2c", 8, cpu=9)]

    assert median_speed(runs, US) == 50 * MB
    assert median_cpu(runs, US) == 2
    assert peak_rss(runs, US) == 40
    assert median_speed(runs, "axel") is None


def test_variants_are_told_apart():
    runs = [run(seconds=1, variant="a"), run(seconds=2, variant="b")]

    assert median_speed(runs, US, "b") == 50 * MB
    assert median_speed(runs, US) == 75 * MB


def test_ratios_and_bounds_are_reached_at_the_edge_and_not_beyond():
    assert at_least("", 3, 300, 100).reached is True
    assert at_least("", 3, 299, 100).reached is False
    assert at_most("", 0.4, 40, 100).reached is True
    assert at_most("", 0.4, 41, 100).reached is False
    assert bound("", 80, 80 * MB, "MB", MB).reached is True
    assert bound("", 80, 80 * MB + 1, "MB", MB).reached is False


def test_what_could_not_be_measured_is_neither_reached_nor_missed():
    assert at_least("", 3, 300, None).reached is None
    assert at_most("", 3, None, 100).reached is None
    assert bound("", 3, None, "MB").reached is None


def test_a_run_that_failed_is_said_and_is_no_success():
    assert all_came([run(), run(failed="wrong bytes")]).reached is False
    assert "wrong bytes" in all_came([run(failed="wrong bytes")]).measured
    assert all_came([]).reached is False
    assert all_came([run(), run("aria2c", failed="x")]).reached is True


def test_without_peers_their_ratios_stay_open():
    [https, http] = [one.verdict([run(cpu=1.0)]) for one in fast.SITUATIONS]

    assert [check.reached for check in https] == [True] + 5 * [None]
    assert all(check.reached is None for check in http[1:])


def test_the_verdict_on_https_compares_with_aria2c_and_curl():
    runs = [run(seconds=1, cpu=0.4), run("aria2c", 4, cpu=1.0), run("curl", 0.9)]

    checks = fast.SITUATIONS[0].verdict(runs)

    assert [check.reached for check in checks[:4]] == [True, True, True, False]
    assert checks[1].measured == "4 times"


def test_a_far_server_is_measured_against_the_sum_of_its_connections():
    runs = [run(seconds=1, size=900 * MB), run(seconds=1, size=700 * MB, variant=lines.SMALL_RING)]

    checks = lines.SITUATIONS[0].verdict(runs)

    assert [check.reached for check in checks] == [True, True, False, None]


def test_runs_take_turns_and_every_other_round_goes_backwards(tmp_path):
    context = Context(
        size=1, runs=3, work=tmp_path, memory=tmp_path, peers=frozenset(), say=lambda _: None
    )
    runs = alternate(context, {"a": lambda: run("a"), "b": lambda: run("b")})

    assert [one.label for one in runs] == ["a", "b", "b", "a", "a", "b"]


def test_a_file_is_cut_into_parts_that_cover_it():
    assert parts(10, 3) == [(0, 3), (3, 6), (6, 10)]
    assert parts(1, 4) == [(0, 1)]


def test_hundredths_are_what_each_took_to_be_written():
    even = [Sample(number / 10, 0, 0, 0, number) for number in range(101)]
    assert faulty.hundredths(even, 100) == pytest.approx([0.1] * 100)

    stuck = [*even[:100], Sample(13.0, 0, 0, 0, 100)]
    assert faulty.hundredths(stuck, 100)[-1] == pytest.approx(3.1)


def test_hundredths_of_a_series_that_does_not_reach_the_end_are_unknown():
    assert faulty.hundredths([Sample(0, 0, 0, 0, 0), Sample(1, 0, 0, 0, 99)], 100) == []
    assert faulty.hundredths([], 100) == []


def test_a_percentile_is_one_of_the_values():
    values = [float(number) for number in range(1, 101)]

    assert polled.percentile(values, 0.99) == 99
    assert polled.percentile(values, 0.5) == 50
    assert polled.percentile([7.0], 0.99) == 7


def test_the_answers_of_all_polled_runs_count_together():
    runs = [run(notes={polled.ANSWERS: "3.0 1.0"}), run(notes={polled.ANSWERS: "2.0"})]

    assert polled.answers(runs) == [1, 2, 3]


def held(number, rss=50, connections=4, threads=6, descriptors=9):
    return long.Held(number, number, number, rss, 0, number, connections, threads, descriptors)


def test_growth_is_seen_in_memory_threads_and_descriptors():
    steady = [held(number) for number in range(40)]
    assert long.growth(steady)["resident in the last tenth"] == 50

    leak = [held(n, rss=n, threads=6 + n // 10, descriptors=9 + n // 10) for n in range(40)]
    notes = long.growth(leak)
    assert notes["resident in the last tenth"] - notes["resident in the second tenth"] == 32
    assert notes["threads in the last tenth"] > notes["threads in the second tenth"]
    assert notes["descriptors in the last tenth"] > notes["descriptors in the second tenth"]


def test_more_connections_are_no_growth():
    notes = long.growth([held(n, connections=n, threads=n + 2) for n in range(40)])

    assert notes["threads in the last tenth"] == notes["threads in the second tenth"]
    assert notes["descriptors in the last tenth"] == notes["descriptors in the second tenth"]


def test_a_file_is_told_from_one_with_a_wrong_byte_or_length(tmp_path):
    path, size = tmp_path / "film", 3_000_000
    assert difference(path, size) == "there is no file"
    make_file(path, size)
    assert difference(path, size) == ""
    assert difference(path, size + 1) != ""
    with path.open("r+b") as file:
        file.seek(2_999_999)
        byte = file.read(1)
        file.seek(2_999_999)
        file.write(bytes([byte[0] ^ 1]))
    assert difference(path, size).startswith("wrong bytes between")


def test_a_series_is_read_with_the_run_s_own_clock(tmp_path):
    path = tmp_path / "series"
    path.write_text('[10.5, 1, 2, 3, 4, 5]\n{"began": 10.2, "ended": 11.0, "size": 9}\n')

    assert read_series(path, 10.0) == (Sample(0.5, 1, 2, 3, 4, 5),)
    assert spans(path) == [(10.2, 11.0, 9)]
    assert read_series(tmp_path / "missing", 0) == ()
