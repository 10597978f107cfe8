"""What a qBittorrent without search plugins and RSS feeds answers."""

import pytest

API = "/api/v2/"


@pytest.mark.parametrize(
    ("route", "query", "value"),
    [
        ("search/status", {}, []),
        ("search/status", {"id": "0"}, []),
        ("search/plugins", {}, []),
        ("rss/items", {"withData": "true"}, {}),
        ("rss/rules", {}, {}),
        ("rss/matchingArticles", {"ruleName": "x"}, {}),
    ],
)
def test_there_is_nothing_to_read(sonarr, route, query, value):
    for answer in (sonarr.get(API + route, **query), sonarr.post(API + route, **query)):
        assert answer.headers["content-type"] == "application/json"
        assert (answer.status, answer.json) == (200, value)


def test_a_search_starts_and_is_gone(sonarr):
    answer = sonarr.post(API + "search/start", pattern="x", category="all", plugins="all")
    number = str(answer.json["id"])
    for route in ("search/status", "search/results"):
        assert sonarr.get(API + route, id=number).status == 404
    for route in ("search/stop", "search/delete"):
        assert sonarr.post(API + route, id=number).status == 404


TAKEN = {
    "search/installPlugin": ["sources"],
    "search/uninstallPlugin": ["names"],
    "search/enablePlugin": ["names", "enable"],
    "search/updatePlugins": [],
    "rss/refreshItem": ["itemPath"],
    "rss/markAsRead": ["itemPath"],
    "rss/removeRule": ["ruleName"],
    "rss/renameRule": ["ruleName", "newRuleName"],
}
REFUSED = {
    "rss/addFolder": (["path"], "There is no RSS here"),
    "rss/addFeed": (["url", "path"], "There is no RSS here"),
    "rss/setRule": (["ruleName", "ruleDef"], "There is no RSS here"),
    "rss/removeItem": (["path"], "Item doesn't exist: x."),
    "rss/moveItem": (["itemPath", "destPath"], "Item doesn't exist: x."),
}
WANTED = {
    **TAKEN,
    **{route: names for route, (names, _) in REFUSED.items()},
    "search/start": ["pattern", "category", "plugins"],
    "search/stop": ["id"],
    "search/delete": ["id"],
}


@pytest.mark.parametrize("route", TAKEN)
def test_what_finds_nothing_to_do_is_done(sonarr, route):
    answer = sonarr.post(API + route, **dict.fromkeys(TAKEN[route], "x"))
    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("route", REFUSED)
def test_what_would_not_be_there_the_next_time_is_refused(sonarr, route):
    names, why = REFUSED[route]
    answer = sonarr.post(API + route, **dict.fromkeys(names, "x"))
    assert (answer.status, answer.text) == (409, why)


def test_the_root_of_the_feeds_stays(sonarr):
    assert sonarr.post(API + "rss/removeItem", path="").text == "Cannot delete root folder."
    answer = sonarr.post(API + "rss/moveItem", itemPath="", destPath="x")
    assert answer.text == "Cannot move root folder."


@pytest.mark.parametrize("route", WANTED)
def test_an_action_is_posted_with_all_its_parameters(sonarr, route):
    assert sonarr.get(API + route).status == 405
    for missing in WANTED[route]:
        form = {name: "x" for name in WANTED[route] if name != missing}
        answer = sonarr.post(API + route, **form)
        assert (answer.status, answer.text) == (400, "Bad Request")


@pytest.mark.parametrize("route", ["search/results", "rss/matchingArticles"])
def test_a_read_is_asked_with_its_parameter(sonarr, route):
    assert sonarr.get(API + route).status == 400
