"""Several downloads in one process, from real servers to real files."""

import pytest

import engine.transfer.download
from benchmarks.hdd_downloads import Job, Order, limit_disk, work
from engine.transfer.disk import PartFile
from tests.fakes.filehost import FileHost, Pattern

SIZE = 3 << 20


@pytest.fixture
def host():
    with FileHost() as host:
        yield host


def test_all_of_them_are_made_and_told(host, tmp_path):
    urls = [
        host.adds_file(name, Pattern(SIZE, seed)) for seed, name in enumerate(("/a.bin", "/b.bin"))
    ]
    jobs = tuple(Job(url, str(tmp_path / f"{n}.bin")) for n, url in enumerate(urls))

    answer = work(Order(jobs))

    assert [done.size for done in answer.done] == [SIZE, SIZE]
    assert [done.error for done in answer.done] == ["", ""]
    assert all(done.ended >= done.began >= 0 for done in answer.done)
    assert answer.peak_rss > 0
    for seed in range(2):
        assert (tmp_path / f"{seed}.bin").read_bytes() == Pattern(SIZE, seed).read()


def test_one_that_fails_is_told_with_its_reason(host, tmp_path):
    answer = work(Order((Job(host.url("/missing.bin"), str(tmp_path / "a")),)))

    assert answer.done[0].error


def test_a_slow_disk_holds_all_files_of_the_process_together(monkeypatch, tmp_path):
    now, slept = [100.0], []
    monkeypatch.setattr("benchmarks.hdd_downloads.time.monotonic", lambda: now[0])
    monkeypatch.setattr("benchmarks.hdd_downloads.time.sleep", slept.append)
    monkeypatch.setattr(engine.transfer.download, "PartFile", PartFile)
    limit_disk(4096.0)

    one = engine.transfer.download.PartFile(tmp_path / "one", direct=False)
    other = engine.transfer.download.PartFile(tmp_path / "other", direct=False)
    with one, other:
        one.write(0, [memoryview(bytes(4096))])
        other.write(0, [memoryview(bytes(8192))])

    assert slept == [pytest.approx(1.0), pytest.approx(3.0)]
