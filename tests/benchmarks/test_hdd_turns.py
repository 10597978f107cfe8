"""Several downloads at once: what is told of their turns, and what has to be reached."""

from benchmarks.disk_extents import Turn
from benchmarks.hdd_turns import judge_several, turn_notes
from benchmarks.situation import US, Run

MIB = 1 << 20


def in_turns(*sizes):
    return [Turn("ab"[number % 2], 0, 0, size * MIB) for number, size in enumerate(sizes)]


def test_turns_are_told_without_the_last_of_each_file():
    notes = turn_notes(in_turns(48, 48, 64, 16, 5, 3))

    assert notes["turns"] == 4
    assert notes["turn MiB, median"] == 48
    assert notes["turn MiB, most"] == 64
    assert notes["turns of 32-64 MiB"] == round(160 / 176, 3)


def test_one_file_alone_takes_no_turns():
    assert turn_notes([Turn("a", 0, 0, MIB)]) == {}


def runs(*, two=10.0, model=10.0, share=1.0):
    def run(variant, seconds, model_seconds, **notes):
        told = {"7200 rpm s": model_seconds, **notes}
        return Run(label=US, variant=variant, seconds=seconds, bytes=10**9, notes=told)

    turns = {"turns of 32-64 MiB": share, "turn MiB, median": 48.0}
    return [
        run("one", 10.0, 10.0),
        run("two", two, model, **turns),
        run("two and three small", 10.0, 10.0, **turns),
    ]


def judged(found):
    return {check.what: check.reached for check in judge_several(found)}


def test_turns_that_cost_little_are_enough():
    assert set(judged(runs()).values()) == {True}


def test_each_bound_is_held():
    assert judged(runs(two=12))["two: throughput beside one alone"] is False
    assert judged(runs(model=12))["two: on a 7200 rpm disk, beside one alone"] is False
    assert judged(runs(share=0.9))["two: written in turns of 32-64 MiB"] is False


def test_without_a_device_turns_are_not_measured():
    slow = [
        Run(label=US, variant=f"{variant}, slow disk", seconds=10, bytes=10**9)
        for variant in ("one", "two", "two and three small")
    ]
    found = judged(slow)

    assert found["two: throughput beside one alone"] is True
    assert found["two: written in turns of 32-64 MiB"] is None
