import pytest

from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig

API = "/api/v2/torrents/"
A, B = "a" * 40, "b" * 40


def test_a_category_is_created_listed_and_removed(sonarr):
    assert sonarr.get(API + "categories").json == {}
    assert sonarr.post(API + "createCategory", category="tv").body == b""
    sonarr.post(API + "createCategory", category="films/hd", savePath="/films")
    assert sonarr.get(API + "categories").json == {
        "films/hd": {"name": "films/hd", "savePath": "/films"},
        "tv": {"name": "tv", "savePath": ""},
    }
    sonarr.post(API + "removeCategories", categories="tv\nunknown")
    assert list(sonarr.get(API + "categories").json) == ["films/hd"]


def test_to_create_a_category_again_as_it_is_does_nothing(sonarr):
    sonarr.post(API + "createCategory", category="tv", savePath="/tv")
    assert sonarr.post(API + "createCategory", category="tv").status == 200
    assert sonarr.post(API + "createCategory", category="tv", savePath="/tv").status == 200
    answer = sonarr.post(API + "createCategory", category="tv", savePath="/other")
    assert (answer.status, answer.text) == (409, "Unable to create category")
    assert sonarr.get(API + "categories").json["tv"]["savePath"] == "/tv"


def test_a_category_needs_a_name_that_is_acceptable(sonarr):
    answer = sonarr.post(API + "createCategory", category=" ")
    assert (answer.status, answer.text) == (400, "Category cannot be empty")
    for name in ("a//b", "/a", "a/", "a\\b", "..", "c\nd", "n" * 256):
        answer = sonarr.post(API + "createCategory", category=name)
        assert (answer.status, answer.text) == (409, "Incorrect category name")


@pytest.mark.parametrize("path", ["../../out", "/", "/unfinished/x", "/a\x07b", "/x" * 3000])
def test_a_category_needs_a_folder_that_is_acceptable(sonarr, server, torrents, path):
    server.app = create_app(torrents, ApiConfig(unfinished_path="/unfinished"))
    answer = sonarr.post(API + "createCategory", category="tv", savePath=path)
    assert answer.status == 409
    assert len(answer.text.splitlines()) == 1
    assert "folder" in answer.text
    assert torrents.categories() == []


def test_a_category_gets_another_folder_and_its_torrents_follow(sonarr, torrents):
    sonarr.post(API + "createCategory", category="tv", savePath="/tv")
    sonarr.post(API + "add", urls=A, category="tv", autoTMM="true")
    sonarr.post(API + "add", urls=B, category="tv", autoTMM="false")
    answer = sonarr.post(API + "editCategory", category="tv", savePath="/other")
    assert (answer.status, answer.body) == (200, b"")
    assert sonarr.get(API + "categories").json["tv"]["savePath"] == "/other"
    assert [view.record.save_path for view in torrents.views()] == ["/other", "/tv"]
    assert sonarr.post(API + "editCategory", category="tv", savePath="").status == 200
    assert torrents.view(A).record.save_path == "/downloads/complete/tv"


@pytest.mark.parametrize(
    ("form", "status", "text"),
    [
        ({"category": "tv", "savePath": "/tv"}, 409, "Unable to edit category"),
        ({"category": "unknown", "savePath": "/x"}, 409, "Unable to edit category"),
        ({"category": "", "savePath": "/x"}, 400, "Category cannot be empty"),
        ({"category": "tv"}, 400, "Bad Request"),
        ({"savePath": "/x"}, 400, "Bad Request"),
        ({"category": "tv", "savePath": "/"}, 409, "the root folder is no place for downloads"),
    ],
)
def test_a_category_that_cannot_be_edited_so_stays_as_it_is(sonarr, form, status, text):
    sonarr.post(API + "createCategory", category="tv", savePath="/tv")
    answer = sonarr.post(API + "editCategory", **form)
    assert (answer.status, answer.text) == (status, text)
    assert sonarr.get(API + "categories").json["tv"]["savePath"] == "/tv"


def test_torrents_are_listed_by_category_once_they_have_one(sonarr):
    sonarr.post(API + "add", urls=f"{A}\n{B}")
    sonarr.post(API + "createCategory", category="tv")
    sonarr.post(API + "setCategory", hashes=A, category="tv")

    def listed(category):
        return [one["hash"] for one in sonarr.get(API + "info", category=category).json]

    assert listed("tv") == [A]
    assert listed("") == [B]
    sonarr.post(API + "setCategory", hashes="all", category="")
    assert listed("") == [A, B]


def test_a_category_that_is_unknown_cannot_be_given(sonarr):
    sonarr.post(API + "add", urls=A)
    for hashes in (A, "all"):
        answer = sonarr.post(API + "setCategory", hashes=hashes, category="unknown")
        assert (answer.status, answer.text) == (409, "Incorrect category name")
    assert sonarr.post(API + "setCategory", hashes="0" * 40, category="unknown").status == 200


def test_tags_are_kept_whether_a_torrent_has_them_or_not(sonarr, torrents):
    sonarr.post(API + "add", urls=f"{A}\n{B}", tags="x")
    sonarr.post(API + "createTags", tags="free, y")
    sonarr.post(API + "addTags", hashes=A, tags="y,z")
    assert sonarr.get(API + "tags").json == ["free", "x", "y", "z"]
    assert torrents.view(A).record.tags == ("x", "y", "z")
    sonarr.post(API + "removeTags", hashes=A, tags="y")
    assert torrents.view(A).record.tags == ("x", "z")
    assert sonarr.get(API + "tags").json == ["free", "x", "y", "z"]
    sonarr.post(API + "removeTags", hashes=A)
    assert torrents.view(A).record.tags == ()


def test_a_deleted_tag_is_gone_from_all_torrents(sonarr, torrents):
    sonarr.post(API + "add", urls=f"{A}\n{B}", tags="x,y")
    sonarr.post(API + "deleteTags", tags="x")
    assert sonarr.get(API + "tags").json == ["y"]
    assert [view.record.tags for view in torrents.views()] == [("y",), ("y",)]


def test_to_delete_no_tags_deletes_none(sonarr, torrents):
    sonarr.post(API + "add", urls=A, tags="x")
    sonarr.post(API + "deleteTags", tags="")
    assert torrents.view(A).record.tags == ("x",)
