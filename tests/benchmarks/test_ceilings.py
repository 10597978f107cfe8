"""What says whether the disk limits us: the disk alone, and the engine without one."""

from benchmarks import fast
from benchmarks.contestants import DISK, SINK
from benchmarks.disk_alone import write
from benchmarks.situation import MB, US, Run
from engine.transfer.writer import USUAL_WRITE

SIZE = 100 * MB


def run(label, megabytes_a_second):
    return Run(label=label, seconds=100 / megabytes_a_second, bytes=SIZE)


def checks(runs):
    return {check.what: check for check in fast._https_verdict(runs)}


def test_the_disk_alone_is_a_whole_file_of_long_direct_writes(tmp_path):
    size = 2 * USUAL_WRITE + 5000

    write(tmp_path / "file", size)

    assert (tmp_path / "file").stat().st_size == size


def test_we_are_measured_by_the_disk_where_it_is_the_slower_one():
    runs = [run(US, 90), run("curl", 300), run(DISK, 100), run(SINK, 270)]
    found = checks(runs)

    assert found["throughput, of the slower of the disk alone and 16 curl"].measured == "0.9 times"
    assert found["throughput into a sink, of 16 curl"].measured == "0.9 times"


def test_we_are_measured_by_the_line_where_the_disk_is_faster():
    runs = [run(US, 90), run("curl", 100), run(DISK, 300), run(SINK, 100)]

    assert (
        checks(runs)["throughput, of the slower of the disk alone and 16 curl"].measured
        == "0.9 times"
    )


def test_without_curl_nothing_is_said():
    found = checks([run(US, 90), run(DISK, 300), run(SINK, 100)])

    assert found["throughput, of the slower of the disk alone and 16 curl"].reached is None
