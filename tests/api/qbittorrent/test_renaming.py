import pytest

API = "/api/v2/torrents/"
A, B, UNKNOWN = "a" * 40, "b" * 40, "0" * 40


@pytest.fixture(autouse=True)
def two(sonarr, torrents):
    sonarr.post(API + "add", urls=f"{A}\n{B}", savepath="/d")
    torrents.know(A, {"Show/1.mkv": 600, "Show/sub/2.mkv": 400, "Show/sub/3.nfo": 10})


def paths(torrents):
    return [file.path for file in torrents.files(A)]


@pytest.mark.parametrize(
    ("name", "shown"), [("New", "New"), (" a/b ", "a/b"), ("two\r\nlines", "two lines")]
)
def test_a_torrent_gets_another_name(sonarr, torrents, name, shown):
    answer = sonarr.post(API + "rename", hash=A.upper(), name=name)
    assert (answer.status, answer.body) == (200, b"")
    assert torrents.view(A).record.name == shown
    assert paths(torrents)[0] == "Show/1.mkv"


@pytest.mark.parametrize(
    ("form", "status", "why"),
    [
        ({"hash": A, "name": ""}, 409, "Incorrect torrent name"),
        ({"hash": A, "name": " "}, 409, "Incorrect torrent name"),
        ({"hash": UNKNOWN, "name": ""}, 409, "Incorrect torrent name"),
        ({"hash": UNKNOWN, "name": "x"}, 404, "Not Found"),
        ({"hash": "all", "name": "x"}, 404, "Not Found"),
        ({"hash": A}, 400, "Bad Request"),
        ({"name": "x"}, 400, "Bad Request"),
    ],
)
def test_a_name_that_cannot_be_is_refused(sonarr, torrents, form, status, why):
    before = torrents.views()
    answer = sonarr.post(API + "rename", **form)
    assert (answer.status, answer.text) == (status, why)
    assert torrents.views() == before


def test_a_file_and_a_folder_get_other_paths(sonarr, torrents):
    def rename(what, old, new):
        answer = sonarr.post(API + what, hash=A, oldPath=old, newPath=new)
        assert (answer.status, answer.body) == (200, b"")

    rename("renameFile", "Show/1.mkv", "Show/One.mkv")
    rename("renameFolder", "Show/sub", "Show/Extras/inner")
    assert paths(torrents) == ["Show/One.mkv", "Show/Extras/inner/2.mkv", "Show/Extras/inner/3.nfo"]
    rename("renameFolder", "Show", "Other")
    assert paths(torrents)[0] == "Other/One.mkv"
    assert torrents.view(A).content_path == "/d/Other"


def test_the_same_path_again_is_nothing_to_do(sonarr, torrents):
    for what, path in (("renameFile", "Show/1.mkv"), ("renameFolder", "Show/sub")):
        assert sonarr.post(API + what, hash=A, oldPath=path, newPath=path).status == 200
    assert paths(torrents) == ["Show/1.mkv", "Show/sub/2.mkv", "Show/sub/3.nfo"]


@pytest.mark.parametrize(
    ("form", "status", "why"),
    [
        (("Show/9.mkv", "Show/x"), 409, "No such file: 'Show/9.mkv'."),
        (("Show/1.mkv", "Show/sub/2.mkv"), 409, "The file already exists: 'Show/sub/2.mkv'."),
        (("Show/1.mkv", ""), 409, "The new path is invalid: ''."),
        (("", "x"), 409, "The old path is invalid: ''."),
        (("Show/1.mkv", "Show/a\x00b"), 409, "The new path is invalid: 'Show/a\x00b'."),
        (("Show/1.mkv", "/etc/x"), 409, "Absolute path isn't allowed: '/etc/x'."),
        (("Show/1.mkv", "../x"), 409, "A file cannot be named '../x'."),
    ],
)
def test_a_path_that_cannot_be_is_refused(sonarr, torrents, form, status, why):
    old, new = form
    answer = sonarr.post(API + "renameFile", hash=A, oldPath=old, newPath=new)
    assert (answer.status, answer.text) == (status, why)
    assert paths(torrents) == ["Show/1.mkv", "Show/sub/2.mkv", "Show/sub/3.nfo"]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("Show/nope", "x", "No such folder: 'Show/nope'."),
        ("Show/1.mkv", "x", "No such folder: 'Show/1.mkv'."),
        ("Show/sub", "", "The new path is invalid: ''."),
        ("Show/sub", "../x", "A file cannot be named '../x/2.mkv'."),
    ],
)
def test_a_folder_that_cannot_be_is_refused(sonarr, torrents, old, new, why):
    answer = sonarr.post(API + "renameFolder", hash=A, oldPath=old, newPath=new)
    assert (answer.status, answer.text) == (409, why)
    assert paths(torrents) == ["Show/1.mkv", "Show/sub/2.mkv", "Show/sub/3.nfo"]


@pytest.mark.parametrize("route", ["renameFile", "renameFolder"])
def test_what_is_missing_is_told(sonarr, route):
    assert sonarr.post(API + route, hash=UNKNOWN, oldPath="", newPath="").status == 404
    answer = sonarr.post(API + route, hash=B, oldPath="a", newPath="b")
    assert (answer.status, answer.text) == (409, f"No such {route[6:].lower()}: 'a'.")
    for missing in ("hash", "oldPath", "newPath"):
        form = {"hash": A, "oldPath": "Show/1.mkv", "newPath": "x"}
        form.pop(missing)
        assert sonarr.post(API + route, **form).status == 400
