"""The doors of the service as they are set with its environment."""

import http.client
from pathlib import Path
from urllib.parse import urlencode

from engine.metainfo import parse_torrent
from tests.data.torrents.contents import SINGLE, SIZES, content
from tests.fakes.filehost import FileHost

TORRENTS = Path(__file__).parents[1] / "data" / "torrents"
LOGIN = "/api/v2/auth/login"
VERSION = "/api/v2/app/version"
SECRET = "a secret & more"


def ask(service, method, path, body="", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers.get("Set-Cookie", "")
    finally:
        connection.close()


def log_in(service, password):
    return ask(service, "POST", LOGIN, urlencode({"username": "me", "password": password}))


def test_logins_fail_are_banned_and_leave_the_sessions_alone(make_service, tmp_path):
    file = tmp_path / "password"
    file.write_text(SECRET)
    service = make_service(
        API_USERNAME="me", API_PASSWORD_FILE=str(file), API_MAX_FAILED_LOGINS="2"
    )
    service.start()

    assert ask(service, "GET", VERSION)[0] == 403
    status, text, cookie = log_in(service, SECRET)
    assert (status, text) == (200, "Ok.")
    assert [log_in(service, "wrong")[:2] for _ in range(2)] == [(200, "Fails.")] * 2
    assert log_in(service, SECRET)[0] == 403
    assert ask(service, "GET", VERSION, Cookie=cookie.partition(";")[0])[0] == 200

    assert service.stop() == 0
    assert SECRET not in service.output.read_text()


def test_half_a_login_is_refused_in_one_line(make_service):
    service = make_service(API_PASSWORD=SECRET)
    service.launch()

    assert service.process.wait(timeout=20) == 1
    [line] = service.output.read_text().splitlines()
    assert "API_PASSWORD is set and API_USERNAME is not" in line
    assert SECRET not in line


def test_pages_of_other_sites_and_strange_names_are_refused(make_service):
    service = make_service(API_HOSTS="qbt.example.com")
    service.start()

    assert ask(service, "GET", VERSION, Host="qbt.example.com")[0] == 200
    assert ask(service, "GET", VERSION, Host="nas.local:6500")[0] == 200
    assert ask(service, "GET", VERSION, Host="evil.example")[0] == 401
    assert ask(service, "POST", VERSION, Origin="http://evil.example")[0] == 401
    assert ask(service, "POST", VERSION, Origin=f"http://127.0.0.1:{service.port}")[0] == 200


def test_a_url_is_fetched_and_downloaded(make_service, alldebrid):
    torrent = (TORRENTS / "single.torrent").read_bytes()
    with FileHost({"/dl": torrent, "/film": content(SINGLE)}) as host:
        alldebrid.hold(
            parse_torrent(torrent).infohash,
            SINGLE,
            {SINGLE: SIZES[SINGLE]},
            file_host=lambda _: host.url("/film"),
        )
        service = make_service(LOG_LEVEL="DEBUG")
        service.start()
        form = urlencode({"urls": host.url("/dl") + "?passkey=PASSKEY4711"})
        assert ask(service, "POST", "/api/v2/torrents/add", form)[1] == "Ok."
        shown = service.wait_for(parse_torrent(torrent).infohash, "pausedUP")

    assert shown.size == SIZES[SINGLE]
    assert "PASSKEY4711" not in service.output.read_text()
