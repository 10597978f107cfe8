"""Runs on the disk: samples are put together from inside, outside and the device."""

from benchmarks.hdd import Disk
from benchmarks.hdd_container import Limits
from benchmarks.hdd_contest import read_told
from benchmarks.hdd_model import Request
from benchmarks.hdd_race import Inside, costs, placed, with_rings, wrong
from benchmarks.payload import make_file
from benchmarks.situation import Sample


def test_a_sample_gets_the_place_of_the_last_write_before_it():
    samples = [Sample(t, 0, 0) for t in (0.5, 1.5, 2.5)]

    found = placed(samples, [(101.0, 4096), (102.0, 8192)], began=100.0)

    assert [sample.written for sample in found] == [0, 4096, 8192]


def test_a_sample_gets_what_the_process_told_of_itself_at_that_time():
    samples = [Sample(0.5, 1, 2), Sample(1.5, 1, 2)]

    found = with_rings(samples, [Inside(101.0, 4096, 8192, 3)], began=100.0)

    assert found == (samples[0], Sample(1.5, 4096, 2, 8192, None, 3))


def test_what_our_command_told_is_read_and_its_other_lines_are_not(tmp_path):
    path = tmp_path / "told"
    path.write_text('[1.5, 100, 5000, 200, 50, 4]\n{"began": 1, "ended": 2, "size": 3}\n')

    assert read_told(path) == [Inside(1.5, 100, 200, 4)]


def test_a_trace_is_told_in_notes(tmp_path):
    disk = Disk(tmp_path, "/dev/loop0", "7:0", 1 << 30, Limits(1 << 31, "7:0", 150_000_000))
    trace = [Request(0.0, "W", 0, 2048), Request(1.0, "F", 0, 0), Request(2.0, "W", 999_424, 2048)]

    notes = costs(trace, disk, 0.0)

    assert notes["requests"] == 2
    assert notes["seeks"] == 1
    assert notes["flushes"] == 1
    assert notes["7200 rpm s (done after)"] > 2
    assert notes["7200 rpm s (full stroke)"] >= notes["7200 rpm s"]
    assert notes["device MB/s"] == round(4096 * 512 / 2 / 1e6, 2)


def test_an_empty_trace_costs_nothing(tmp_path):
    disk = Disk(tmp_path, "/dev/loop0", "7:0", 1 << 30, Limits(1 << 31, "7:0", 150_000_000))

    assert costs([], disk, 5.0)["7200 rpm s"] == 0


def test_files_have_to_be_what_was_served(tmp_path):
    good, short = tmp_path / "good", tmp_path / "short"
    make_file(good, 5000)
    make_file(short, 4000)

    assert wrong({good: 5000}) == ""
    assert wrong({good: 5000, short: 5000}).startswith("short: ")
    assert wrong({tmp_path / "none": 1}).startswith("none: ")
