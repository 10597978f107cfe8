"""The small pure modules: allowance, patience, names, folders, intake."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.jobs.allowance import Allowance, detail_of
from engine.jobs.folders import category_folder, checked_name
from engine.jobs.intake import arrival
from engine.jobs.names import is_real_name
from engine.jobs.patience import FIRST_DELAY, LONGEST_DELAY, NETWORK_PATIENCE, Patience
from engine.jobs.views import AddRequest, BadCategory, BadTorrent
from engine.store.records import EventRecord

HASH = "0123456789abcdef0123456789abcdef01234567"


def event(kind: str, detail: str = "") -> EventRecord:
    return EventRecord(torrent=HASH, at=1, kind=kind, detail=detail)


# allowance


def test_a_thing_may_be_done_once():
    allowance = Allowance()

    assert allowance.spend("reuploaded")
    assert not allowance.spend("reuploaded")
    assert allowance.spend("restarted")


def test_each_piece_has_its_own_chance():
    allowance = Allowance()

    assert allowance.spend("piece_refetched", "piece 1")
    assert allowance.spend("piece_refetched", "piece 11")
    assert not allowance.spend("piece_refetched", "piece 1")


@given(st.text(alphabet="abc 123", min_size=1), st.text())
def test_what_was_done_before_a_restart_counts(about, sentence):
    allowance = Allowance([event("piece_refetched", detail_of(sentence, about))])

    assert not allowance.spend("piece_refetched", about)


@pytest.mark.parametrize(
    "kind", ["added", "added_again", "resumed", "rechecked", "account_changed"]
)
def test_asking_for_it_gives_all_chances_again(kind):
    history = [event("reuploaded", detail_of("x")), event(kind), event("state", "added")]

    assert Allowance(history).spend("reuploaded")


# patience


def test_delays_double_from_thirty_seconds_to_five_minutes():
    patience = Patience()

    delays = [patience.next_delay(0.0) for _ in range(7)]

    assert delays == [30, 60, 120, 240, 300, 300, 300]


def test_what_the_server_asks_for_is_kept_to_within_reason():
    assert Patience().next_delay(0.0, 100.0) == 100
    assert Patience().next_delay(0.0, 1e9) == 3600
    assert Patience().next_delay(0.0, 1.0) == FIRST_DELAY


def test_patience_ends_after_six_hours_without_progress():
    patience = Patience()
    assert patience.next_delay(5.0)

    assert patience.next_delay(4.0 + NETWORK_PATIENCE) == 60
    assert patience.next_delay(5.0 + NETWORK_PATIENCE) is None


@given(st.lists(st.booleans(), max_size=60))
def test_progress_begins_anew_and_no_delay_is_longer_than_allowed(steps):
    patience, now = Patience(), 0.0
    for progressed in steps:
        if progressed:
            patience.progress()
        delay = patience.next_delay(now)
        assert delay is None or FIRST_DELAY <= delay <= LONGEST_DELAY
        if progressed:
            assert delay == FIRST_DELAY
        now += delay or 0


# names


@pytest.mark.parametrize(
    "name", ["", "  ", "noname", "NoName", HASH, HASH.upper(), "a2" * 16, "magnet:?xt=urn:btih:x"]
)
def test_stand_ins_are_no_names(name):
    assert not is_real_name(name)


@pytest.mark.parametrize("name", ["Film.2024.mkv", "1917", "noname.mkv", HASH + "0"])
def test_names_are_names(name):
    assert is_real_name(name)


# folders


@pytest.mark.parametrize("name", ["radarr", "tv-sonarr", "a/b", "Séries", "..hidden", "a b"])
def test_category_names_that_sonarr_allows_are_taken(name):
    assert checked_name(name) == name


@pytest.mark.parametrize(
    "name", ["", " ", "a\\b", "a//b", "/a", "a/", "..", "a/../b", "./a", "a\nb", "\0", "x" * 256]
)
def test_category_names_that_make_no_folder_are_refused(name):
    with pytest.raises(BadCategory, match="category"):
        checked_name(name)


@pytest.mark.parametrize(
    ("save_path", "folder"),
    [
        ("", "/downloads/complete/radarr"),
        ("films", "/downloads/complete/films"),
        ("films/new/", "/downloads/complete/films/new"),
        ("/library", "/library"),
        ("  ", "/downloads/complete/radarr"),
    ],
)
def test_a_category_has_its_folder(save_path, folder):
    complete = Path("/downloads/complete")

    assert category_folder(complete, "radarr", save_path) == Path(folder)


@pytest.mark.parametrize("save_path", ["../up", "/downloads/../etc", "a\0b"])
def test_paths_that_lead_elsewhere_are_refused(save_path):
    with pytest.raises(BadCategory):
        category_folder(Path("/downloads/complete"), "radarr", save_path)


# intake


@pytest.mark.parametrize(
    ("uri", "rename", "name"),
    [
        (f"magnet:?xt=urn:btih:{HASH}&dn=Film", "", "Film"),
        (f"magnet:?xt=urn:btih:{HASH}&dn=Film", "Mine", "Mine"),
        (f"magnet:?xt=urn:btih:{HASH}", "", HASH),
        (f"magnet:?xt=urn:btih:{HASH}&dn={HASH}", "", HASH),
        (HASH.upper(), "", HASH),
    ],
)
def test_a_magnet_has_the_name_it_brings_or_its_hash(uri, rename, name):
    arrived = arrival(AddRequest(magnet=uri, rename=rename))

    assert (arrived.infohash, arrived.name) == (HASH, name)


@given(st.text(max_size=200), st.binary(max_size=200))
def test_nonsense_is_refused_and_nothing_else_happens(magnet, metainfo):
    for request in (AddRequest(magnet=f"?{magnet}"), AddRequest(metainfo=b"?" + metainfo)):
        with pytest.raises(BadTorrent, match=r"\w"):
            arrival(request)
