"""The log of attempts: its place, its lines, and what happens when it cannot be written."""

import errno
import logging
from unittest import mock

import pytest

from api import attempts_log, logs
from arrpush import attempts
from arrpush.attempts import Attempt

SECRET = "marked-secret-0123456789"


@pytest.fixture(autouse=True)
def closed():
    yield
    attempts_log.end()
    attempts.logger.setLevel(logging.NOTSET)


def attempt(**changes):
    fields = {
        "at": 1_700_000_000.0, "target": "sonarr", "id": "0123456789abcdef", "title": "A.Show",
        "code": 200, "duration": 0.25, "payload": 300, "outcome": "approved", "said": "well",
    }  # fmt: skip
    return Attempt(**{**fields, **changes})


def test_every_attempt_is_a_line_in_the_file(tmp_path):
    path = tmp_path / "scripts" / "log" / "arr_push_v5.log"
    assert attempts_log.begin(path, tmp_path / "instead.log") == path
    attempts.log(attempt())
    attempts.log(attempt(code=0, said="Sonarr cannot be reached"))

    first, second = path.read_text().splitlines()
    assert first.startswith(
        "2023-11-14T22:13:20Z target=sonarr code=200 duration=0.250 payload=300"
    )
    assert "code=0" in second
    assert not (tmp_path / "instead.log").exists()


def test_where_it_cannot_be_written_another_place_is_used(tmp_path):
    (tmp_path / "scripts").write_text("a file is in the way")
    instead = tmp_path / "config" / "log" / "arr_push_v5.log"

    assert attempts_log.begin(tmp_path / "scripts" / "log" / "a.log", instead) == instead
    attempts.log(attempt())
    assert len(instead.read_text().splitlines()) == 1


def test_where_nothing_can_be_written_attempts_are_in_the_services_log(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    caplog.set_level(logging.INFO)

    assert attempts_log.begin(tmp_path / "file" / "a", tmp_path / "file" / "b") is None
    attempts.log(attempt())
    assert "outcome=approved" in caplog.messages[-1]


def test_the_services_log_does_not_repeat_it_whatever_its_level(tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    attempts_log.begin(tmp_path / "a.log", tmp_path / "b.log")
    attempts.log(attempt())

    assert caplog.messages == []
    assert len((tmp_path / "a.log").read_text().splitlines()) == 1


def test_secrets_are_masked_and_a_line_stays_one(tmp_path, monkeypatch):
    monkeypatch.setattr(logs.MASKER, "_secrets", frozenset())
    monkeypatch.setattr(logs.MASKER, "_known", None)
    logs.hide(SECRET)
    path = tmp_path / "a.log"
    attempts_log.begin(path, path)
    attempts.log(attempt(title="A\nB\x1b[2J", said=f"{SECRET} https://t/dl/1?passkey={SECRET}"))

    [line] = path.read_text().splitlines()
    assert SECRET not in line
    assert "\x1b" not in line


def test_it_is_rotated_and_old_ones_are_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(attempts_log, "LARGEST", 1000)
    path = tmp_path / "a.log"
    attempts_log.begin(path, path)
    for number in range(100):
        attempts.log(attempt(payload=number))

    names = sorted(one.name for one in tmp_path.iterdir())
    assert names == ["a.log", *(f"a.log.{number}" for number in range(1, 6))]
    assert all(one.stat().st_size <= 1000 for one in tmp_path.iterdir())
    assert "payload=99 " in path.read_text()


def test_a_disk_that_is_full_stops_nothing(tmp_path, capsys, monkeypatch):
    attempts_log.begin(tmp_path / "a.log", tmp_path / "a.log")
    [handler] = attempts.logger.handlers

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(handler, "stream", mock.Mock(write=full, fileno=handler.stream.fileno))
        attempts.log(attempt())

    assert capsys.readouterr() == ("", "")


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path):
    path = tmp_path / "a.log"
    attempts_log.begin(path, path)
    attempts.log(attempt(payload=1))
    path.rename(tmp_path / "a.log.old")
    attempts.log(attempt(payload=2))
    path.unlink()
    attempts.log(attempt(payload=3))

    assert "payload=1 " in (tmp_path / "a.log.old").read_text()
    assert [line.split()[4] for line in path.read_text().splitlines()] == ["payload=3"]


def test_so_it_is_when_a_full_disk_kept_some_of_it_back(tmp_path):
    path = tmp_path / "a.log"
    attempts_log.begin(path, path)
    [handler] = attempts.logger.handlers
    real = handler.stream

    def full():
        real.close()
        raise OSError(errno.ENOSPC, "No space left on device")

    handler.stream = mock.Mock(close=full, fileno=real.fileno)
    path.unlink()
    for number in (1, 2):
        attempts.log(attempt(payload=number))

    assert len(path.read_text().splitlines()) == 2
