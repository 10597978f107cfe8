import signal
import threading
from pathlib import Path

import pytest

from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig, end_process
from api.qbittorrent.login import Login
from tests.fakes.sonarr_http import SonarrHttp

APP = "/api/v2/app/"


@pytest.mark.parametrize(
    ("route", "text"),
    [
        ("version", "v4.5.2"),
        ("webapiVersion", "2.8.19"),
        ("defaultSavePath", "/downloads/complete"),
    ],
)
def test_versions_are_plain_words_without_quotes(sonarr, route, text):
    for method in ("GET", "POST"):
        answer = sonarr.send(method, APP + route)
        assert (answer.status, answer.body) == (200, text.encode())
        assert answer.headers["content-type"] == "text/plain; charset=UTF-8"


def test_the_build_has_versions_and_a_number_of_bits(sonarr):
    shown = sonarr.get(APP + "buildInfo").json
    assert shown.pop("bitness") == 64
    assert shown.keys() == {"qt", "libtorrent", "boost", "openssl", "zlib"}
    assert all(isinstance(value, str) for value in shown.values())


def test_preferences_are_such_that_sonarr_accepts_the_client(sonarr):
    answer = sonarr.get(APP + "preferences")
    assert answer.headers["content-type"] == "application/json"
    shown = answer.json
    assert shown["dht"] is True
    assert shown["queueing_enabled"] is True
    assert shown["save_path"] == "/downloads/complete"
    removes = shown["max_ratio_enabled"] or shown["max_seeding_time_enabled"]
    assert not (removes and shown["max_ratio_act"] in {1, 3})


def test_preferences_show_the_settings_and_no_password(server, torrents):
    config = ApiConfig(login=Login.of("user", "secret"), port=6501, unfinished_path="/u")
    server.app = create_app(torrents, config)
    answer = SonarrHttp(server.port, "user", "secret").get(APP + "preferences")
    shown = answer.json
    assert (shown["web_ui_username"], shown["web_ui_port"]) == ("user", 6501)
    assert (shown["temp_path"], shown["max_active_downloads"]) == ("/u", 3)
    assert shown["bypass_auth_subnet_whitelist_enabled"] is False
    assert b"secret" not in answer.body


def test_preferences_hold_qbittorrents_types(sonarr):
    shown = sonarr.get(APP + "preferences").json
    assert type(shown["max_ratio"]) is float
    assert type(shown["max_seeding_time"]) is int
    assert shown["scan_dirs"] == {}
    assert shown["banned_IPs"] == ""
    assert None not in shown.values()
    assert len(shown) > 150


def test_preferences_have_every_name_that_qbittorrent_has(sonarr):
    """And two that are newer than 4.5.2: Sonarr reads them where they are."""
    listed = Path(__file__).parents[2] / "data" / "qbittorrent" / "preferences.txt"
    newer = {"max_inactive_seeding_time", "max_inactive_seeding_time_enabled"}
    assert sonarr.get(APP + "preferences").json.keys() == {*listed.read_text().split(), *newer}


def test_there_is_no_interface_and_no_address_to_bind_to(sonarr):
    assert sonarr.get(APP + "networkInterfaceList").json == []
    for name in ("", "lo", "nope"):
        assert sonarr.get(APP + "networkInterfaceAddressList", iface=name).json == []
    answer = sonarr.get(APP + "networkInterfaceAddressList")
    assert (answer.status, answer.text) == (400, "Bad Request")


def test_a_shutdown_is_answered_before_it_happens(server, torrents):
    ended = threading.Event()
    server.app = create_app(torrents, ApiConfig(), shutdown=ended.set)
    sonarr = SonarrHttp(server.port)
    assert sonarr.get(APP + "shutdown").status == 405
    assert not ended.is_set()
    answer = sonarr.post(APP + "shutdown")
    assert (answer.status, answer.body) == (200, b"")
    assert ended.wait(10)


def test_the_end_of_the_process_is_a_signal(monkeypatch):
    raised = []
    monkeypatch.setattr(signal, "raise_signal", raised.append)
    end_process()
    assert raised == [signal.SIGTERM]
