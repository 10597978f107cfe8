import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.qbittorrent import present
from api.qbittorrent.preferences import MAX_RATIO
from engine.jobs.preferences import Preferences
from engine.jobs.speed import SpeedLimits
from engine.jobs.states import State
from engine.jobs.views import FileView, TorrentView, Totals
from engine.store.records import CategoryRecord, TorrentRecord

# A machine that is busy is no failure.
unhurried = settings(deadline=None)

NOW = 1_700_000_000
HASH = "0123456789abcdef0123456789abcdef01234567"

KNOWN_TO_SONARR = {
    "error", "stalledDL", "missingFiles", "pausedDL", "stoppedDL", "queuedDL", "checkingDL",
    "checkingUP", "checkingResumeData", "metaDL", "forcedMetaDL", "downloading", "forcedDL",
    "moving", "pausedUP", "stoppedUP", "uploading", "stalledUP", "queuedUP", "forcedUP",
}  # fmt: skip

TAKEN_BY_SONARR = {"pausedUP", "stoppedUP", "uploading", "stalledUP", "queuedUP", "forcedUP"}
"""States in which Sonarr imports what is at content_path."""


def record(**changes):
    values = {
        "hash": HASH,
        "name": "Show.S01E01",
        "state": "downloading",
        "save_path": "/downloads/complete/tv",
        "added_at": NOW - 1000,
    }
    return TorrentRecord(**(values | changes))


LIMITS = SpeedLimits(
    download=10,
    upload=20,
    alternative_download=30,
    alternative_upload=40,
    alternative=True,
)


def view(state=State.DOWNLOADING, *, downloaded=0, content_path="", **changes):
    return TorrentView(
        record=record(**changes), state=state, downloaded=downloaded, content_path=content_path
    )


def completed(**changes):
    values = {"size": 1000, "root": "film.mkv", "completed_at": NOW - 100}
    return view(
        State.COMPLETED,
        downloaded=1000,
        content_path="/downloads/complete/tv/film.mkv",
        **(values | changes),
    )


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_name_that_sonarr_knows(state):
    assert present.NAMES[state] in KNOWN_TO_SONARR
    for completed_at in (0, NOW):
        for forced in (False, True):
            shown = present.state_name(view(state, completed_at=completed_at, forced=forced))
            assert shown in KNOWN_TO_SONARR


@pytest.mark.parametrize("state", State)
def test_sonarr_takes_files_exactly_when_progress_is_one(state):
    for changes in ({}, {"completed_at": NOW}):
        shown = present.torrent(view(state, downloaded=1000, size=1000, **changes), NOW)
        assert (shown.state in TAKEN_BY_SONARR) == (shown.progress == 1)
        assert (shown.progress == 1) == (
            state is State.COMPLETED or (state is State.PAUSED and bool(changes))
        )


@pytest.mark.parametrize(
    ("state", "changes", "name"),
    [
        (State.DOWNLOADING, {"forced": True}, "forcedDL"),
        (State.QUEUED, {"forced": True}, "queuedDL"),
        (State.CHECKING, {}, "checkingDL"),
        (State.CHECKING, {"completed_at": NOW}, "checkingUP"),
        (State.PAUSED, {"size": 1000}, "pausedDL"),
        (State.PAUSED, {"completed_at": NOW, "size": 0}, "pausedDL"),
        (State.PAUSED, {"completed_at": NOW, "size": 1001}, "pausedDL"),
        (State.PAUSED, {"completed_at": NOW, "size": 1000}, "pausedUP"),
        (State.COMPLETED, {}, "pausedUP"),
        (State.ERROR, {"completed_at": NOW}, "error"),
    ],
)
def test_the_name_of_a_state_says_what_else_is_known(state, changes, name):
    assert present.state_name(view(state, downloaded=1000, **changes)) == name


def reaches_limits(shown, *, max_ratio_enabled=True):
    """Sonarr's rules for "its share limits are reached", ratio first, then time."""
    if shown.ratio_limit >= 0:
        if shown.ratio_limit - shown.ratio <= 0.001:
            return True
    elif shown.ratio_limit == -2 and max_ratio_enabled and MAX_RATIO - shown.ratio <= 0.001:
        return True
    limit = shown.seeding_time_limit
    return limit >= 0 and shown.seeding_time >= limit * 60


@pytest.mark.parametrize("ratio", [-2, 0, 0.5, 1, 1.5, 9998])
@pytest.mark.parametrize("minutes", [-2, -1, 0, 1440, 525_600])
def test_a_finished_torrent_reaches_its_limits_at_once_whoever_set_them(ratio, minutes):
    shown = present.torrent(completed(ratio_limit=ratio, seeding_time_limit=minutes), NOW)
    assert (shown.ratio_limit, shown.seeding_time_limit) == (ratio, minutes)
    assert reaches_limits(shown)


@pytest.mark.parametrize("minutes", [0, 1440])
def test_a_time_limit_is_reached_where_there_is_no_ratio_limit(minutes):
    shown = present.torrent(completed(ratio_limit=-1, seeding_time_limit=minutes), NOW)
    assert reaches_limits(shown)


def test_a_torrent_whose_limits_are_off_stays():
    assert not reaches_limits(
        present.torrent(completed(ratio_limit=-1, seeding_time_limit=-1), NOW)
    )


def test_an_unfinished_torrent_has_no_ratio_and_no_seeding_time():
    shown = present.torrent(view(size=1000, seeding_time_limit=60), NOW)
    assert (shown.ratio, shown.seeding_time) == (0.0, 0)


def test_the_limits_in_force_follow_from_those_that_are_set():
    shown = present.torrent(completed(), NOW)
    assert (shown.max_ratio, shown.max_seeding_time) == (MAX_RATIO, -1)
    shown = present.torrent(completed(ratio_limit=1.5, seeding_time_limit=60), NOW)
    assert (shown.max_ratio, shown.max_seeding_time) == (1.5, 60)


def test_a_finished_torrent_is_wholly_there():
    shown = present.torrent(completed(), NOW)
    assert (shown.progress, shown.amount_left, shown.completed, shown.eta) == (1, 0, 1000, 8640000)
    assert shown.content_path == "/downloads/complete/tv/film.mkv"
    assert (shown.completion_on, shown.time_active) == (NOW - 100, 900)


@pytest.mark.parametrize("later", [0, 1, 299, 300, 10_000])
def test_seeding_time_is_told_as_it_was_five_minutes_ago_at_most(later):
    shown = present.torrent(completed(), NOW + later)
    assert 100 + later - present.SLOW < shown.seeding_time <= 100 + later
    assert present.properties(completed(), NOW + later).seeding_time == 100 + later


@pytest.mark.parametrize(
    ("state", "active"),
    [(State.DOWNLOADING, 1000), (State.CHECKING, 1000), (State.PAUSED, 10), (State.ERROR, 10)],
)
def test_time_active_stands_still_while_nobody_works_on_a_torrent(state, active):
    shown = present.torrent(view(state, last_activity=NOW - 990), NOW)
    assert shown.time_active == active


@pytest.mark.parametrize("state", State)
def test_a_torrent_looks_the_same_as_long_as_it_is_said_to(state):
    one = view(state, completed_at=NOW - 100, size=1000, last_activity=NOW - 500)
    until = present.lasts_until(one, NOW)
    shown = present.torrent(one, NOW)
    assert present.torrent(one, (until or NOW + 10**6) - 1) == shown
    assert until is None or present.torrent(one, until) != shown


def test_what_is_not_to_be_downloaded_counts_for_nothing_but_the_total():
    one = msgspec.structs.replace(view(size=1000, downloaded=450), skipped=400, skipped_on_disk=150)
    shown = present.torrent(one, NOW)
    assert (shown.size, shown.total_size, shown.progress) == (600, 1000, 0.5)
    assert (shown.completed, shown.amount_left, shown.downloaded) == (300, 300, 450)


def test_an_unknown_size_is_told_as_qbittorrent_tells_it():
    shown = present.torrent(view(size=0), NOW)
    assert (shown.size, shown.total_size, shown.amount_left) == (0, -1, 0)


def test_a_global_limit_that_a_client_sets_is_reached_at_once_too():
    limits = Preferences(max_active_downloads=1, save_path="/d", max_ratio=3, max_seeding_time=60)
    shown = present.torrent(completed(), NOW, limits)
    assert (shown.max_ratio, shown.ratio, shown.max_seeding_time) == (3.0, 3.0, 60)
    assert shown.seeding_time == 3600
    own = present.torrent(completed(ratio_limit=-1, seeding_time_limit=-1), NOW, limits)
    assert (own.max_ratio, own.max_seeding_time) == (-1.0, -1)
    assert own.seeding_time <= 100


def test_a_file_that_is_not_wanted_is_not_said_to_be_there():
    files = present.files(completed(), [file(0, 10), file(1, 10, priority=0)])
    assert [(one.priority, one.progress) for one in files] == [(1, 1.0), (0, 0.0)]


def test_progress_is_what_is_on_disk_and_stays_below_one():
    assert present.torrent(view(size=1000, downloaded=450), NOW).progress == 0.45
    assert present.torrent(view(size=1000, downloaded=1000), NOW).progress == 0.999
    assert present.torrent(view(State.MOVING, size=10**13, downloaded=10**13 - 1), NOW).progress < 1
    assert present.torrent(view(size=0), NOW).progress == 0


@pytest.mark.parametrize(
    ("eta", "shown"), [(None, 8640000), (0, 0), (520, 520), (-5, 0), (10**12, 8640000)]
)
def test_eta_is_seconds_or_qbittorrents_word_for_unknown(eta, shown):
    asked = msgspec.structs.replace(view(size=1000), eta=eta)
    assert present.torrent(asked, NOW).eta == shown


@pytest.mark.parametrize(
    ("save_path", "content_path", "shown"),
    [
        ("/d/tv", "/d/tv/film.mkv", "/d/tv/film.mkv"),
        ("/d/tv/", "/d/tv/Show/", "/d/tv/Show"),
        ("/d/tv", "/d/tv", ""),
        ("/d/tv/", "/d/tv", ""),
        ("/d/tv", "/d/tv/", ""),
        ("/d/tv", "/d/tv2/film.mkv", ""),
        ("/d/tv", "", ""),
        ("/", "/film.mkv", "/film.mkv"),
        ("/", "/", ""),
    ],
)
def test_content_path_is_strictly_below_save_path_or_left_out(save_path, content_path, shown):
    made = present.torrent(view(save_path=save_path, content_path=content_path), NOW)
    assert made.content_path == shown
    assert made.save_path == (save_path.rstrip("/") or "/")


def test_a_torrent_without_a_name_is_called_by_its_hash():
    assert present.torrent(view(name=""), NOW).name == HASH


def test_tags_stand_in_one_text():
    assert present.torrent(view(tags=("a", "b")), NOW).tags == "a, b"


def test_passkeys_do_not_go_out():
    secret = msgspec.structs.replace(
        view(magnet=f"magnet:?xt=urn:btih:{HASH}&tr=https://t.example/PASSKEY/announce"),
        trackers=(
            "https://t.example/PASSKEY/announce",
            "udp://user:PASSKEY@[::1]:1337/announce?passkey=PASSKEY",
            "PASSKEY",
            "http://[PASSKEY",
            "http://t.example:PASSKEY/",
        ),
    )
    shown = present.torrent(secret, NOW)
    answers = (shown, present.trackers(secret), present.properties(secret, NOW))
    assert b"passkey" not in msgspec.json.encode(answers).lower()
    assert shown.tracker == "https://t.example"
    assert [row.url for row in present.trackers(secret)[3:]] == [
        "https://t.example", "udp://[::1]:1337", "", "", "",
    ]  # fmt: skip


def test_the_first_tracker_works_and_says_what_the_torrent_waits_for():
    own, *_ = present.trackers(view(State.WAITING_SLOT, reason="AllDebrid is full."))
    assert (own.status, own.msg) == (2, "AllDebrid is full.")
    fetching = msgspec.structs.replace(view(State.PREPARING), remote_progress=0.42)
    assert present.trackers(fetching)[0].msg == "AllDebrid is fetching it: 42%"
    assert present.trackers(view())[0].msg == ""


def test_properties_carry_the_reason_word_for_word():
    shown = present.properties(view(State.ERROR, reason="The file was not found."), NOW)
    assert shown.comment == "The file was not found."


def test_properties_count_pieces_when_they_are_known():
    asked = msgspec.structs.replace(view(size=1000, downloaded=650), piece_length=100, pieces=10)
    shown = present.properties(asked, NOW)
    assert (shown.piece_size, shown.pieces_num, shown.pieces_have) == (100, 10, 6)
    shown = present.properties(view(size=1000), NOW)
    assert (shown.piece_size, shown.pieces_num, shown.pieces_have) == (-1, -1, 0)
    asked = msgspec.structs.replace(completed(), piece_length=300, pieces=4)
    assert present.properties(asked, NOW).pieces_have == 4


def test_properties_know_the_average_speed():
    assert present.properties(view(size=9000, downloaded=5000), NOW).dl_speed_avg == 5
    assert present.properties(completed(), NOW).dl_speed_avg == 1000 // 900


def file(index, size, flushed=0, **changes):
    return FileView(index=index, path=f"root/{index}.mkv", size=size, flushed=flushed, **changes)


def test_files_show_progress_and_pieces():
    asked = msgspec.structs.replace(view(size=1000), piece_length=100, pieces=10)
    first, second, empty = present.files(asked, [file(0, 250, 50), file(1, 750, 750), file(2, 0)])
    assert (first.name, first.progress, first.piece_range) == ("root/0.mkv", 0.2, (0, 2))
    assert (second.progress, second.piece_range) == (1.0, (2, 9))
    assert (empty.progress, empty.piece_range) == (1.0, (9, 9))


def test_only_the_first_file_says_whether_the_torrent_is_there():
    shown = json.loads(msgspec.json.encode(present.files(completed(), [file(0, 1), file(1, 2)])))
    assert shown[0]["is_seed"] is True
    assert "is_seed" not in shown[1]
    assert [one["progress"] for one in shown] == [1.0, 1.0]
    assert shown[0]["piece_range"] == [0, 0]


def test_a_category_is_spelled_as_sonarr_reads_it():
    shown = json.loads(msgspec.json.encode(present.category(CategoryRecord(name="tv"))))
    assert shown == {"name": "tv", "savePath": ""}


def test_trouble_with_the_account_shows_as_disconnected():
    well = Totals(speed=1.5, downloaded=7, free_space=9)
    ill = msgspec.structs.replace(well, account_trouble="Renew the key.")
    assert present.transfer_info(well, LIMITS).connection_status == "connected"
    assert present.transfer_info(ill, LIMITS).connection_status == "disconnected"
    state = present.server_state(ill, LIMITS)
    assert (state.connection_status, state.dl_info_speed) == ("disconnected", 1)
    assert (state.alltime_dl, state.free_space_on_disk) == (7, 9)
    assert (state.dl_rate_limit, state.up_rate_limit) == (30, 40)
    assert state.use_alt_speed_limits


numbers = st.integers(0, 2**63 - 1)
texts = st.text(max_size=20) | st.text(st.characters(categories=["Cs"]), max_size=3)
views = st.builds(
    TorrentView,
    record=st.builds(
        TorrentRecord,
        hash=st.just(HASH),
        name=texts,
        state=st.just(""),
        reason=texts,
        category=texts,
        tags=st.lists(texts, max_size=3).map(tuple),
        save_path=texts,
        root=texts,
        size=numbers,
        added_at=numbers,
        completed_at=numbers,
        last_activity=numbers,
        magnet=texts,
        position=numbers,
        ratio_limit=st.sampled_from([-2, -1, 0, 1.5]),
        seeding_time_limit=st.integers(-2, 525_600),
        inactive_seeding_time_limit=st.integers(-2, 525_600),
    ),
    state=st.sampled_from(State),
    downloaded=numbers,
    speed=st.floats(0, 1e12),
    eta=st.none() | numbers,
    remote_progress=st.floats(0, 1),
    remote_seeders=numbers,
    content_path=texts,
    trackers=st.lists(texts, max_size=3).map(tuple),
    piece_length=st.integers(0, 2**26),
    pieces=numbers,
)
file_views = st.builds(FileView, index=numbers, path=texts, size=numbers, flushed=numbers)


@unhurried
@given(views, st.lists(file_views, max_size=3))
def test_whatever_a_torrent_holds_it_can_be_sent_with_every_field_of_its_type(asked, files):
    shown = present.torrent(asked, NOW)
    assert 0 <= shown.progress <= 1
    assert shown.hash == HASH
    for made in (shown, present.properties(asked, NOW), *present.trackers(asked)):
        sent = json.loads(msgspec.json.encode(made))
        for field in msgspec.structs.fields(made):
            assert type(sent[field.encode_name]) is field.type
    for file in json.loads(msgspec.json.encode(present.files(asked, files))):
        assert type(file["progress"]) is float
        assert [type(piece) for piece in file["piece_range"]] == [int, int]
