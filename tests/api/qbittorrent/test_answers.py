import logging

import pytest

INFO = "/api/v2/torrents/info"


@pytest.mark.parametrize(
    "path", ["/", "/version/api", "/api/v2", "/api/v2/no/such", "/api/v2/torrents/nope", "/%ff/%00"]
)
def test_an_unknown_route_is_404_in_plain_text(sonarr, path):
    answer = sonarr.send("GET", path)
    assert (answer.status, answer.text) == (404, "Not Found")
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_a_wrong_method_is_405_in_plain_text(sonarr, method):
    answer = sonarr.send(method, INFO)
    assert (answer.status, answer.text) == (405, "Method Not Allowed")


def test_a_bug_is_500_without_details_and_in_the_log_with_all_of_them(sonarr, torrents, caplog):
    torrents.break_down(RuntimeError("something private"))
    with caplog.at_level(logging.ERROR):
        answer = sonarr.get(INFO, category="a b")
    assert (answer.status, answer.text) == (500, "Internal Server Error")
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
    assert f"answer=500 method=GET path={INFO}" in caplog.text
    assert "RuntimeError: something private" in caplog.text
    assert sonarr.get(INFO).status == 200


@pytest.mark.parametrize(
    ("route", "form"),
    [
        ("pause", {"hashes": "all"}),
        ("delete", {"hashes": "all", "deleteFiles": "true"}),
        ("setCategory", {"hashes": "all", "category": ""}),
        ("createCategory", {"category": "tv"}),
        ("removeCategories", {"categories": "tv"}),
        ("addTags", {"hashes": "all", "tags": "x"}),
        ("deleteTags", {"tags": "x"}),
    ],
)
def test_what_cannot_be_stored_is_500_with_a_sentence_and_one_line(
    sonarr, torrents, caplog, route, form
):
    sonarr.post("/api/v2/torrents/createTags", tags="x,y")
    torrents.take_no_changes("there is no room in /config")
    with caplog.at_level(logging.WARNING):
        answer = sonarr.post(f"/api/v2/torrents/{route}", **form)
    assert (answer.status, answer.text) == (
        500,
        "Nothing was changed: the service cannot store it now, and its log says why.",
    )
    assert answer.headers["content-type"] == "text/plain; charset=UTF-8"
    (record,) = caplog.records
    assert record.getMessage() == (
        f"answer=500 method=POST path=/api/v2/torrents/{route} reason='there is no room in /config'"
    )
    assert record.exc_info is None
    assert sonarr.get("/api/v2/torrents/tags").json == ["x", "y"]


def test_a_name_that_is_no_text_does_not_break_an_answer(sonarr):
    answer = sonarr.post("/api/v2/torrents/createCategory", category="\ufffd\x00//")
    assert answer.status == 409
