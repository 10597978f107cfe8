import os
import socket

import pytest

from api import memory
from api.bench.process import Process, answering, reset_peak

MIB = 1 << 20
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout"


def table(*entries):
    """/proc/net/tcp with `(port, client's port, state, inode)` for each connection."""
    lines = [
        f"   0: 0100007F:{port:04X} 0100007F:{client:04X} {state} 0:0 00:0 0 0 0 {inode} 1 0"
        for port, client, state, inode in entries
    ]
    return "\n".join([HEAD, *lines, ""])


@pytest.fixture
def root(tmp_path):
    """A machine where process 7 has socket 4711 open, and another process's files are hidden."""
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/tcp").write_text(table((6500, 40000, "01", 4711)))
    folder = tmp_path / "proc/7"
    (folder / "fd").mkdir(parents=True)
    (folder / "fd/0").symlink_to("/dev/null")
    (folder / "fd/5").symlink_to("socket:[4711]")
    (folder / "comm").write_text("a (service)\n")
    (folder / "status").write_text("Name:\tx\nVmHWM:\t 2048 kB\nVmRSS:\t 1024 kB\n")
    (folder / "stat").write_text(f"7 (a (service)) S {' '.join(['0'] * 10)} 150 50 0 0")
    (tmp_path / "proc/6").mkdir()
    return tmp_path


def test_the_process_at_the_other_end_is_found(root):
    process = answering(6500, 40000, root)

    assert process.pid == 7
    assert process.name == "a (service)"
    assert process.resident() == MIB
    assert process.peak() == 2 * MIB
    assert process.cpu_seconds() == pytest.approx(200 / os.sysconf("SC_CLK_TCK"))


def test_a_connection_over_ipv6_is_found(root):
    (root / "proc/net/tcp").rename(root / "proc/net/tcp6")

    assert answering(6500, 40000, root).pid == 7


@pytest.mark.parametrize(
    "entry",
    [
        (6500, 40001, "01", 4711),
        (6501, 40000, "01", 4711),
        (40000, 6500, "01", 4711),
        (6500, 40000, "06", 4711),
        (6500, 40000, "01", 4712),
    ],
    ids=["another client", "another port", "our own end", "closing", "another user's"],
)
def test_another_connection_is_not_taken_for_it(root, entry):
    (root / "proc/net/tcp").write_text(table(entry))

    assert answering(6500, 40000, root) is None


def test_what_forwards_to_a_container_is_not_the_service(root):
    (root / "proc/7/comm").write_text("docker-proxy\n")

    assert answering(6500, 40000, root) is None


def test_a_machine_without_such_tables_knows_nothing(tmp_path):
    assert answering(6500, 40000, tmp_path) is None


def test_a_process_that_has_gone_tells_nothing(tmp_path):
    process = Process(7, tmp_path)

    assert process.resident() is None
    assert process.peak() is None
    assert process.cpu_seconds() is None
    assert process.name == ""


def test_this_machine_finds_this_process():
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as client,
    ):
        server, _address = listener.accept()
        with server:
            process = answering(listener.getsockname()[1], client.getsockname()[1])

    assert process.pid == os.getpid()
    assert process.resident() > MIB
    assert process.cpu_seconds() > 0


def test_the_peak_starts_again_from_what_there_is():
    large = bytearray(64 * MIB)
    assert memory.peak() > len(large)
    del large

    before = memory.peak()
    assert reset_peak()

    assert memory.peak() < before - 32 * MIB


def test_a_peak_that_cannot_be_reset_is_no_error(tmp_path):
    assert not reset_peak(tmp_path)
