import logging

import pytest

from api.logs import Masker, MessageFormatter
from api.qbittorrent.recent import KEPT, LONGEST, Recent

MAIN = "/api/v2/log/main"
KINDS = ("normal", "info", "warning", "critical")

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def record(message, level=logging.INFO, *arguments):
    made = logging.makeLogRecord({"msg": message, "args": arguments, "levelno": level})
    made.created = 1_700_000_000.5
    return made


@pytest.fixture
def masker():
    return Masker()


@pytest.fixture
def recent(masker):
    recent = Recent()
    recent.setFormatter(MessageFormatter(masker))
    return recent


@pytest.fixture
def lines(monkeypatch, recent):
    """One line of each level in the process's own memory."""
    monkeypatch.setattr("api.qbittorrent.log.RECENT", recent)
    for level in LEVELS:
        recent.handle(record(level, getattr(logging, level)))


def texts(lines):
    return [line["message"] for line in lines]


@pytest.mark.usefixtures("lines")
def test_lines_are_listed_as_qbittorrent_lists_them(sonarr):
    assert sonarr.get(MAIN).json == [
        {"id": number, "message": level, "timestamp": 1_700_000_000, "type": kind}
        for number, (level, kind) in enumerate(zip(LEVELS, [2, 1, 4, 8, 8], strict=True))
    ]


@pytest.mark.usefixtures("lines")
@pytest.mark.parametrize(
    ("without", "left"),
    [
        ("normal", ["DEBUG", "WARNING", "ERROR", "CRITICAL"]),
        ("info", ["INFO", "WARNING", "ERROR", "CRITICAL"]),
        ("warning", ["DEBUG", "INFO", "ERROR", "CRITICAL"]),
        ("critical", ["DEBUG", "INFO", "WARNING"]),
    ],
)
def test_a_kind_is_left_out_when_it_is_not_wanted(sonarr, without, left):
    assert texts(sonarr.get(MAIN, **{without: "false"}).json) == left
    assert texts(sonarr.get(MAIN, **{without: "maybe"}).json) == list(LEVELS)


@pytest.mark.usefixtures("lines")
def test_only_later_lines_than_the_last_known_are_listed(sonarr):
    assert texts(sonarr.get(MAIN, last_known_id="3").json) == ["CRITICAL"]
    assert sonarr.get(MAIN, last_known_id="4").json == []
    assert texts(sonarr.post(MAIN, last_known_id="nonsense").json) == list(LEVELS)


def test_no_peer_is_banned(sonarr):
    assert sonarr.get("/api/v2/log/peers").json == []
    assert sonarr.post("/api/v2/log/peers", last_known_id="7").json == []


def test_secrets_are_masked_and_lines_stay_lines(masker, recent):
    masker.hide("hunter2hunter2")
    recent.handle(record("key=%s\nurl=%s", logging.INFO, "hunter2hunter2", "http://h/?passkey=1"))
    (line,) = recent.after(-1, 15)

    assert "hunter2" not in line.message
    assert "passkey=1" not in line.message
    assert "\n" not in line.message


def test_without_a_formatter_nothing_is_kept():
    recent = Recent()
    recent.handle(record("apikey=secret"))

    assert recent.after(-1, 15) == []


def test_memory_has_a_bound(recent):
    for number in range(KEPT + 10):
        recent.handle(record(f"{number} " + "x" * 2 * LONGEST))
    lines = recent.after(-1, 15)

    assert [lines[0].id, lines[-1].id, len(lines)] == [10, KEPT + 9, KEPT]
    assert max(len(line.message) for line in lines) == LONGEST


def test_a_record_that_cannot_be_put_together_raises_nothing(recent):
    recent.handle(record("%d", logging.INFO, "no number"))

    assert len(recent.after(-1, 15)) == 1
