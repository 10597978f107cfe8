"""A torrent that is added becomes finished, verified files, seen from outside alone."""

from pathlib import Path

import pytest
import qbittorrentapi

from engine.metainfo import parse_torrent
from tests.data.torrents.contents import NESTED, SINGLE, SIZES, UNICODE, content
from tests.fakes.filehost import FileHost, Pattern

TORRENTS = Path(__file__).parents[1] / "data" / "torrents"
MIB = 1 << 20


@pytest.fixture
def host():
    """Serves what the .torrent files of mktorrent and transmission-create were made from."""
    with FileHost({f"/{number}": content(path) for number, path in enumerate(SIZES)}) as host:
        yield host


def numbered(host):
    """Direct links by path: names beyond ASCII do not matter to a file host."""
    numbers = {path: number for number, path in enumerate(SIZES)}
    return lambda path: host.url(f"/{numbers[path]}")


def files_of(torrent):
    """The files that a .torrent names, by path below the folder of finished files."""
    meta = parse_torrent(torrent)
    paths = ["/".join(file.path) for file in meta.files]
    if not meta.single_file:
        paths = [f"{meta.name}/{path}" for path in paths]
    return {path: content(path) for path in paths}


@pytest.mark.parametrize(
    ("name", "root"),
    [
        ("single", SINGLE),
        ("nested", NESTED),
        ("nested-transmission", NESTED),
        ("unicode", UNICODE),
    ],
)
def test_a_torrent_file_becomes_its_files_byte_for_byte(make_service, alldebrid, host, name, root):
    torrent = (TORRENTS / f"{name}.torrent").read_bytes()
    infohash = parse_torrent(torrent).infohash
    alldebrid.hold(infohash, root, files_of(torrent), file_host=numbered(host))
    service = make_service()
    service.start()

    with service.client() as client:
        assert client.torrents_add(torrent_files=torrent, category="tv-sonarr") == "Ok."
    shown = service.wait_for(infohash, "pausedUP")

    folder = service.downloads / "complete" / "tv-sonarr"
    assert shown.save_path == str(folder)
    assert shown.content_path == str(folder / root)
    assert shown.progress == 1
    found = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert found == files_of(torrent)
    assert list((service.downloads / "incomplete").iterdir()) == []
    assert service.stop() == 0


def test_a_magnet_becomes_a_file_over_https(make_service, alldebrid):
    film = Pattern(24 * MIB + 17, seed=4)
    infohash = "ab" * 20
    with FileHost({"/film": film}, tls=True) as host:
        alldebrid.hold(
            infohash,
            "A.Film.2026.1080p-GROUP.mkv",
            {"A.Film.2026.1080p-GROUP.mkv": film.size},
            file_host=lambda _: host.url("/film"),
        )
        service = make_service(SSL_CERT_FILE=host.ca_file)
        service.start()
        with service.client() as client:
            client.torrents_add(
                urls=f"magnet:?xt=urn:btih:{infohash}&dn=A.Film.2026.1080p-GROUP"
                "&tr=http%3A%2F%2Ftracker.example%2Fannounce"
            )

        shown = service.wait_for(infohash, "pausedUP")

    assert Path(shown.content_path).read_bytes() == film.read()
    assert "tr=http" in alldebrid.asked("magnet/upload")[0].form["magnets[]"][0]


def test_a_login_is_asked_for_when_one_is_set(make_service):
    service = make_service(API_USERNAME="sonarr", API_PASSWORD="a secret")
    service.start()

    with pytest.raises(qbittorrentapi.LoginFailed):
        service.client(username="sonarr", password="wrong").auth_log_in()
    with service.client(username="sonarr", password="a secret") as client:
        assert client.app.version == "v4.5.2"
        assert client.app.web_api_version == "2.8.19"
    assert "a secret" not in service.output.read_text()


def test_a_second_service_on_the_same_folder_is_refused(make_service):
    first, second = make_service(), make_service()
    first.start()

    with pytest.raises(AssertionError, match="another service already uses"):
        second.start()


def test_a_port_in_use_is_told_in_one_line(make_service, host):
    service = make_service(PORT=str(host.port))
    service.launch()

    assert service.process.wait(timeout=20) == 1
    [line] = service.output.read_text().splitlines()
    assert line.startswith(f"alldebrid-client: HOST=127.0.0.1 PORT={host.port}: cannot listen")


def test_no_secret_is_in_the_log(make_service, alldebrid, host):
    torrent = (TORRENTS / "single.torrent").read_bytes()
    infohash = parse_torrent(torrent).infohash
    alldebrid.hold(infohash, SINGLE, files_of(torrent), file_host=numbered(host))
    service = make_service(LOG_LEVEL="DEBUG")
    service.start()
    with service.client() as client:
        client.torrents_add(torrent_files=torrent)
        client.torrents_add(
            urls=f"magnet:?xt=urn:btih:{'cd' * 20}&tr=http%3A%2F%2Ft.example%2Fpasskey-4711"
        )
    service.wait_for(infohash, "pausedUP")
    service.stop()

    log = service.output.read_text()
    assert "passkey-4711" not in log
    assert alldebrid.key not in log
    assert host.url("/0") not in log
