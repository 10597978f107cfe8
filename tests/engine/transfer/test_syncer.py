"""Syncs beside the writes."""

import threading

import pytest

from engine.transfer import syncer as module
from engine.transfer.errors import DiskTrouble
from engine.transfer.syncer import Syncer


class Device:
    """Syncs when the test lets it, and fails when it is told to."""

    def __init__(self):
        self.begun = threading.Semaphore(0)
        self.allowed = threading.Semaphore(0)
        self.problem = None
        self.threads = set()

    def sync(self):
        self.threads.add(threading.current_thread())
        self.begun.release()
        self.allowed.acquire()
        if self.problem is not None:
            raise self.problem


@pytest.fixture
def device():
    return Device()


@pytest.fixture
def syncer(device):
    syncer = Syncer(device.sync)
    yield syncer
    device.allowed.release(100)
    syncer.close()


def test_a_sync_is_over_when_the_device_says_so(device, syncer):
    syncer.begin(4096)
    device.begun.acquire()

    assert syncer.take() is None
    assert syncer.busy
    device.allowed.release()
    assert syncer.wait() == 4096
    assert not syncer.busy
    assert syncer.take() is None


def test_one_thread_makes_all_syncs_and_ends_with_the_last(device, syncer):
    device.allowed.release(3)
    for prefix in (1, 2, 3):
        syncer.begin(prefix)
        assert syncer.wait() == prefix
    [thread] = device.threads
    syncer.close()

    assert thread is not threading.current_thread()
    assert not thread.is_alive()


def test_without_a_sync_there_is_no_thread(syncer):
    before = threading.active_count()

    assert syncer.wait() is None
    syncer.close()
    assert threading.active_count() == before


def test_there_is_one_sync_at_a_time(syncer):
    syncer.begin(1)

    with pytest.raises(RuntimeError):
        syncer.begin(2)


def take_when_it_is_there(syncer):
    while (taken := syncer.take()) is None:
        pass
    return taken


@pytest.mark.parametrize("ask", [take_when_it_is_there, Syncer.wait])
def test_a_failure_is_raised_where_the_result_is_asked_for(device, syncer, ask):
    device.problem = DiskTrouble("EIO")
    device.allowed.release()
    syncer.begin(1)

    with pytest.raises(DiskTrouble):
        ask(syncer)
    assert not syncer.busy


def test_closing_waits_for_the_sync_under_way(device, syncer):
    syncer.begin(1)
    device.begun.acquire()
    threading.Timer(0.01, device.allowed.release).start()

    syncer.close()

    assert [thread.is_alive() for thread in device.threads] == [False]


def test_a_slow_sync_is_told(device, syncer, caplog, monkeypatch):
    monkeypatch.setattr(module, "SLOW", 0.0)
    device.allowed.release()
    syncer.begin(1)
    syncer.wait()
    syncer.close()

    assert "sync=slow" in caplog.text
