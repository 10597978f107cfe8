import pytest

from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig

API = "/api/v2/torrents/"
A, B, UNKNOWN = "a" * 40, "b" * 40, "0" * 40
SET = [("setLocation", "hashes", "location"), ("setSavePath", "id", "path")]


@pytest.fixture(autouse=True)
def two(sonarr, server, torrents):
    server.app = create_app(torrents, ApiConfig(unfinished_path="/unfinished"))
    sonarr.post(API + "add", urls=f"{A}\n{B}", category="tv", autoTMM="true")


def folders(torrents):
    return [view.record.save_path for view in torrents.views()]


@pytest.mark.parametrize(("route", "hashes", "folder"), SET)
@pytest.mark.parametrize(
    ("given", "then"), [("/other/", "/other"), ("a/../b", "/downloads/complete/b")]
)
def test_torrents_get_another_folder_of_their_own(
    sonarr, torrents, route, hashes, folder, given, then
):
    answer = sonarr.post(API + route, **{hashes: f"{A}|{UNKNOWN}", folder: given})
    assert (answer.status, answer.body) == (200, b"")
    assert folders(torrents) == [then, "/downloads/complete/tv"]
    assert [view.record.auto_managed for view in torrents.views()] == [False, True]
    sonarr.post(API + route, **{hashes: "all", folder: "/all"})
    assert folders(torrents) == ["/all", "/all"]


@pytest.mark.parametrize(("route", "hashes", "folder"), SET)
@pytest.mark.parametrize(
    ("given", "status", "why"),
    [
        ("", 400, "Save path cannot be empty"),
        ("  ", 400, "Save path cannot be empty"),
        ("/", 409, "the root folder is no place for downloads"),
        ("/unfinished/x", 409, "is among the unfinished files"),
        ("../x", 409, "must not lead out of"),
        ("/proc/x", 409, "Nothing can be written"),
    ],
)
def test_a_folder_that_cannot_be_changes_nothing(
    sonarr, torrents, route, hashes, folder, given, status, why
):
    answer = sonarr.post(API + route, **{hashes: A, folder: given})
    assert answer.status == status
    assert why in answer.text
    assert folders(torrents) == ["/downloads/complete/tv"] * 2


@pytest.mark.parametrize(("route", "hashes", "folder"), [*SET, ("setDownloadPath", "id", "path")])
def test_both_parameters_are_wanted(sonarr, route, hashes, folder):
    assert sonarr.post(API + route, **{hashes: A}).status == 400
    assert sonarr.post(API + route, **{folder: "/x"}).status == 400


def test_a_folder_for_unfinished_files_is_accepted_and_not_used(sonarr, torrents):
    before = torrents.views()
    assert sonarr.post(API + "setDownloadPath", id=A, path="/x").body == b""
    assert torrents.views() == before


def test_torrents_follow_their_category_or_do_not(sonarr, torrents):
    sonarr.post(API + "setLocation", hashes=A, location="/other")
    sonarr.post(API + "setAutoManagement", hashes=f"{A}|{UNKNOWN}", enable="True")
    assert folders(torrents) == ["/downloads/complete/tv"] * 2
    sonarr.post(API + "setAutoManagement", hashes=B, enable="false")
    sonarr.post(API + "setCategory", hashes="all", category="")
    assert folders(torrents) == ["/downloads/complete", "/downloads/complete/tv"]
    assert sonarr.post(API + "setAutoManagement", hashes=A).status == 400
