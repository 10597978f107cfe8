import pytest

from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig
from tests.fakes.sonarr_http import SonarrHttp

APP = "/api/v2/app/"


@pytest.mark.parametrize(
    ("route", "text"),
    [
        ("version", "v4.5.0"),
        ("webapiVersion", "2.8.18"),
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
    config = ApiConfig(
        username="user", password="secret", port=6501, unfinished_path="/u", active_downloads=2
    )
    server.app = create_app(torrents, config)
    answer = SonarrHttp(server.port, "user", "secret").get(APP + "preferences")
    shown = answer.json
    assert (shown["web_ui_username"], shown["web_ui_port"]) == ("user", 6501)
    assert (shown["temp_path"], shown["max_active_downloads"]) == ("/u", 2)
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
