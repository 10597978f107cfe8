from tests.conformance.compare import Answer, Difference
from tests.conformance.intended import Intended
from tests.conformance.report import closing, line
from tests.conformance.run import Row, Told, files_below, is_busy, shown_by, told

STATUS = Difference(what="status", real="404", ours="200")


def test_a_row_of_explanations_fits_by_patterns():
    row = Intended(
        endpoint="torrents/stop | torrents/start", what="status", told="", reason="names of 2.11"
    )

    assert row.fits("torrents/start", "good", STATUS)
    assert not row.fits("torrents/pause", "good", STATUS)
    assert not row.fits("torrents/stop", "good", Difference(what="body"))


def test_an_explained_difference_marks_its_explanation_as_needed(monkeypatch):
    row = Intended(endpoint="a/b", told="", reason="because")
    monkeypatch.setattr("tests.conformance.intended.INTENDED", (row,))
    used = set()

    assert told("a/b", "good", [STATUS], used).unexplained == ()
    assert told("c/d", "good", [STATUS], used).unexplained == (Told(STATUS, ""),)
    assert used == {row}


def test_a_line_of_the_table_says_why():
    assert line(Row(endpoint="a/b", case="good")).endswith(" same")
    intended = line(Row(endpoint="a/b", case="good", told=(Told(STATUS, "because"),)))
    assert intended.endswith("differs: status: 404 there, 200 here (intended: because)")
    assert "UNEXPLAINED" in line(Row(endpoint="a/b", case="good", told=(Told(STATUS, ""),)))


def test_the_figures_count_cases():
    rows = [
        Row(endpoint="a/b", case="1"),
        Row(endpoint="a/b", case="2", told=(Told(STATUS, "because"),)),
        Row(endpoint="c/d", case="3", told=(Told(STATUS, "because"), Told(STATUS, ""))),
    ]

    text = closing(rows, [Intended(endpoint="e/f", told="", reason="gone")])

    assert "endpoints 2, cases 3: same 1, differing as intended 1, unexplained 1" in text
    assert "explains nothing any more: e/f" in text


def test_states_are_shown_as_what_they_have_in_common():
    answer = Answer(
        status=200,
        headers={"content-type": "application/json"},
        body=b'[{"state": "stalledDL"}, {"state": "queuedDL"}, {"state": "pausedUP"}]',
    )

    phases = [torrent["phase"] for torrent in shown_by(answer)]

    assert phases == ["going on", "going on", "paused, complete"]


def test_a_refusal_is_shown_with_its_status():
    assert shown_by(Answer(status=404, body=b"Not Found")) == "404 Not Found"


def test_what_is_being_checked_is_waited_for():
    assert is_busy([{"phase": "busy"}])
    assert not is_busy([{"phase": "paused"}])
    assert not is_busy("404 Not Found")


def test_files_are_listed_by_relative_path(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "b").touch()
    (tmp_path / "a").touch()

    assert files_below(str(tmp_path)) == ["a", "folder/b"]
    assert files_below(str(tmp_path / "none")) == []
