import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.alldebrid.values import MagnetStatus
from engine.jobs.ledger import Entry
from engine.jobs.live import SMOOTHING, Live, Steadied, Traffic
from engine.jobs.snapshot import Facts, Snapshots, facts_of, file_views
from engine.jobs.states import State
from engine.store.records import FileRecord, TorrentRecord
from engine.transfer.download import Progress

HASH = "a" * 40


def entry(state: State = State.DOWNLOADING, *, flushed: int = 1000) -> Entry:
    record = TorrentRecord(
        hash=HASH,
        name="n",
        state=state,
        save_path="/complete",
        root="root",
        size=30_000,
        added_at=1,
    )
    files = [
        FileRecord(torrent=HASH, index=index, path=f"root/{index}", size=10_000, flushed=flushed)
        for index in (0, 2, 5)
    ]
    return Entry(record, files)


class Running:
    """A download whose numbers the test sets."""

    def __init__(self) -> None:
        self.now = Progress(
            received=6000, flushed=5000, size=10_000, speed=100.0, connections=1, ring=0, retries=0
        )

    def progress(self) -> Progress:
        return self.now


def test_a_running_download_adds_its_numbers_to_what_is_stored():
    one, live = entry(), Live(Traffic())
    live.begin(2, Running())

    view = Snapshots().view(one, live, 0.0, "")

    assert view.downloaded == 1000 + 5000 + 1000
    assert view.speed == 100.0
    assert view.eta == (30_000 - 7000) / 100
    assert [file.flushed for file in file_views(one, live, 0.0)] == [1000, 5000, 1000]
    assert view.content_path == "/complete/root"


def test_what_ended_downloads_received_is_counted_once():
    traffic = Traffic()
    live = Live(traffic)
    live.begin(0, Running())
    live.end()
    live.end()

    assert traffic.received == 6000
    assert live.progress() is None


def test_progress_at_alldebrid_is_shown_until_the_files_are_known():
    one = entry(State.PREPARING)
    one.show_files([])
    live = Live(Traffic())
    live.remote = MagnetStatus(1, size=1000, code=1, downloaded=250, speed=9, seeders=3)

    view = Snapshots().view(one, live, 0.0, "")

    assert (view.remote_progress, view.remote_speed, view.remote_seeders) == (0.25, 9.0, 3)


def test_trouble_with_the_account_is_the_reason_of_those_that_wait_for_alldebrid():
    snapshots = Snapshots()

    assert snapshots.view(entry(State.ADDED), None, 0.0, "no key").record.reason == "no key"
    assert snapshots.view(entry(State.DOWNLOADING), None, 0.0, "no key").record.reason == ""
    assert snapshots.view(entry(State.COMPLETED), None, 0.0, "no key").record.reason == ""


def test_a_view_is_made_anew_exactly_when_something_changed():
    snapshots, one = Snapshots(), entry(State.COMPLETED)
    first = snapshots.view(one, None, 0.0, "")
    assert snapshots.view(one, None, 5.0, "") is first

    one.show_progress(FileRecord(torrent=HASH, index=2, path="root/2", size=10_000, flushed=9))
    second = snapshots.view(one, None, 0.0, "")
    assert (second is first, second.downloaded) == (False, 2009)

    snapshots.learn(HASH, Facts(("http://t",), 1, 2))
    third = snapshots.view(one, None, 0.0, "")
    assert (third.trackers, third.piece_length, third.pieces) == (("http://t",), 1, 2)
    assert snapshots.view(one, None, 0.0, "trouble") is not third


def test_what_is_forgotten_leaves_nothing():
    snapshots = Snapshots()
    snapshots.learn(HASH, Facts())
    snapshots.view(entry(), None, 0.0, "")

    snapshots.forget(HASH)

    assert not snapshots.knows(HASH)
    assert repr(snapshots) == "<Snapshots 0 kept>"


@pytest.mark.parametrize(
    ("tracker", "shown"),
    [
        (
            "http://tracker.example:8080/marked/announce?passkey=marked",
            "http://tracker.example:8080",
        ),
        ("udp://marked:marked@tracker.example/announce", "udp://tracker.example"),
        ("http://[broken", ""),
        ("https://tracker.example:99999/x", ""),
    ],
)
def test_of_a_tracker_only_the_host_is_shown(tracker, shown):
    facts = facts_of(None, f"magnet:?xt=urn:btih:{HASH}&tr={tracker}")

    assert facts.trackers == ((shown,) if shown else ())


def test_a_speed_is_averaged_over_time_however_often_it_is_read():
    often, seldom = Steadied(), Steadied()
    often.read(0.0, 100.0)
    seldom.read(0.0, 100.0)

    for tenth in range(1, 201):
        last = often.read(tenth / 10, 200.0)

    assert seldom.read(SMOOTHING, 200.0) == pytest.approx(last)
    assert 150 < last < 200


def test_a_speed_that_begins_is_shown_at_once():
    steadied = Steadied()
    assert steadied.read(0.0, 0.0) == 0.0

    assert steadied.read(1.0, 50.0) == 50.0


class Torrents:
    """Entries that tell what changed of them, as a ledger's do."""

    def __init__(self, *entries: Entry) -> None:
        self.all = {one.record.hash: one for one in entries}
        self.changed = set(self.all)

    def touched(self) -> set[str]:
        changed, self.changed = self.changed, set()
        return changed

    def find(self, infohash: str) -> Entry | None:
        return self.all.get(infohash)

    def entries(self) -> list[Entry]:
        return list(self.all.values())

    def put(self, number: int, **changes: object) -> str:
        infohash = f"{number:040x}"
        record = TorrentRecord(
            hash=infohash, name="n", state=State.QUEUED, save_path="/complete", added_at=1
        )
        record = msgspec.structs.replace(record, **changes)
        if infohash in self.all:
            self.all[infohash].show(record)
        else:
            self.all[infohash] = Entry(record, [])
        self.changed.add(infohash)
        return infohash

    def drop(self, infohash: str) -> None:
        del self.all[infohash]
        self.changed.add(infohash)


def test_the_list_is_the_same_one_while_nothing_has_changed():
    torrents, snapshots = Torrents(), Snapshots()
    torrents.put(1)
    listed = snapshots.views(torrents, {}, 0.0, "")

    assert snapshots.views(torrents, {}, 100.0, "") is listed
    torrents.put(1)  # the same record again
    assert snapshots.views(torrents, {}, 200.0, "") is listed


def test_only_what_changed_is_another_object():
    torrents, snapshots = Torrents(), Snapshots()
    torrents.put(1)
    torrents.put(2)
    before = snapshots.views(torrents, {}, 0.0, "")
    torrents.put(2, category="tv")
    after = snapshots.views(torrents, {}, 0.0, "")

    assert after[0] is before[0]
    assert after[1].record.category == "tv"
    assert before[1].record.category == ""


def test_facts_that_are_learnt_and_trouble_are_seen_at_once():
    torrents, snapshots = Torrents(), Snapshots()
    infohash = torrents.put(1, state=State.ADDED)
    snapshots.views(torrents, {}, 0.0, "")
    snapshots.learn(infohash, Facts(pieces=7))
    assert snapshots.views(torrents, {}, 0.0, "")[0].pieces == 7
    assert snapshots.views(torrents, {}, 0.0, "bad key")[0].record.reason == "bad key"
    assert snapshots.views(torrents, {}, 0.0, "")[0].record.reason == ""


def test_running_downloads_are_read_again_twice_a_second():
    one, live, running = entry(), Live(Traffic()), Running()
    torrents, snapshots = Torrents(one), Snapshots()
    live.begin(2, running)
    lives = {HASH: live}
    (first,) = snapshots.views(torrents, lives, 10.0, "")
    running.now = msgspec.structs.replace(running.now, speed=50.0)

    assert snapshots.views(torrents, lives, 10.4, "") == [first]
    assert snapshots.views(torrents, lives, 10.5, "")[0].speed == 50.0
    live.end()
    assert snapshots.views(torrents, lives, 11.0, "")[0].speed == 0.0


def test_a_running_download_whose_numbers_stand_still_stays_the_same_object():
    one, live = entry(), Live(Traffic())
    torrents, snapshots = Torrents(one), Snapshots()
    live.begin(2, Running())
    listed = snapshots.views(torrents, {HASH: live}, 0.0, "")

    assert snapshots.views(torrents, {HASH: live}, 1.0, "") is listed


@given(st.lists(st.tuples(st.sampled_from(["add", "drop", "change", "forget"]), st.integers(0, 4))))
def test_the_list_is_that_of_the_torrents_whatever_happened(steps):
    torrents, snapshots = Torrents(), Snapshots()
    for what, number in steps:
        infohash = f"{number:040x}"
        if what in {"add", "change"}:
            if infohash not in torrents.all:
                snapshots.forget(infohash)  # nobody comes again before
            torrents.put(number, category="x" if what == "change" else "")
        elif infohash in torrents.all:
            torrents.drop(infohash)
            if what == "forget":
                snapshots.forget(infohash)
                torrents.put(number)  # comes again at once, behind the others
        if number % 2:
            listed = snapshots.views(torrents, {}, 0.0, "")
            assert [one.record for one in listed] == [one.record for one in torrents.entries()]
