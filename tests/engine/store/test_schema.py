import contextlib
import subprocess

import apsw
import pytest

from engine.store import (
    categories,
    endings,
    events,
    files,
    kept,
    links,
    pushes,
    releases,
    removals,
    rows,
    tags,
    torrents,
    values,
)
from engine.store.connection import open_database
from engine.store.errors import StoreError
from engine.store.records import (
    CategoryRecord,
    EndingRecord,
    EventRecord,
    FileRecord,
    MoveRecord,
    PushRecord,
    ReleaseRecord,
    RemovalRecord,
    ShareRecord,
    TorrentRecord,
    UnlockedLink,
)
from engine.store.schema import MIGRATIONS, migrate
from tests.engine.store.samples import (
    category,
    ending,
    event,
    file,
    infohash,
    push,
    release,
    removal,
    torrent,
    tried_push,
    unlocked,
)

FUTURE = (
    *MIGRATIONS,
    # A table that others refer to, made again: what ALTER TABLE cannot do.
    """
    CREATE TABLE torrents_new (
        sequence INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL
    ) STRICT;
    INSERT INTO torrents_new SELECT sequence, hash, name FROM torrents;
    DROP TABLE torrents;
    ALTER TABLE torrents_new RENAME TO torrents;
    """,
    "ALTER TABLE torrents ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'",
)


@pytest.fixture
def memory():
    with contextlib.closing(apsw.Connection(":memory:")) as db:
        yield db


def schema(db):
    return db.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()


LIMITS = ("download_limit", "upload_limit")
"""What `torrents` got with the third version."""

FLAGS = ("auto_managed", "sequential", "first_last", "pausing")
"""What `torrents` got with the fourth version, and with the eighth."""

FILE_FIELDS = ("priority", "published")
"""What `files` got with the fourth version."""


def fill(db):
    torrents.save(db, torrent())
    files.replace(db, infohash(1), [file()])
    fill_around_the_torrent(db)


def fill_first_version(db):
    save_torrents(db, [torrent()], but=(*LIMITS, *FLAGS))
    save_files(db, [file()])
    fill_around_the_torrent(db)


def save_torrents(db, records, but):
    """Save torrents in a database that has no columns for the fields `but` yet."""
    rows.write(db, rows.insert(TorrentRecord, "torrents", but=("has_metainfo", *but)), records)


def save_files(db, records):
    """Save files in a database before the fourth version."""
    rows.write(db, rows.insert(FileRecord, "files", but=FILE_FIELDS), records)


def fill_around_the_torrent(db):
    torrents.save_metainfo(db, infohash(1), b"metainfo")
    events.record(db, event())
    links.put(db, unlocked())
    categories.save(db, category())
    values.put(db, "name", "value")


def use_everything(db):
    """Run every statement that the store has."""
    fill(db)
    torrents.load_all(db)
    torrents.exists(db, infohash(1))
    torrents.metainfo(db, infohash(1))
    files.load_all(db)
    files.of(db, infohash(1))
    files.checkpoint(db, infohash(1), 0, 1, "", "")
    files.set_priority(db, infohash(1), [0], 7)
    events.of(db, infohash(1))
    links.get(db, "link")
    links.forget(db, "link")
    links.forget_of(db, infohash(1))
    links.forget_all(db)
    links.prune(db, 0)
    removals.save(db, removal())
    removals.load_all(db)
    removals.delete(db, 456)
    removals.delete_all(db)
    endings.save(db, ending())
    endings.load_all(db)
    endings.begin(db, ending())
    endings.told(db, ending())
    endings.forget(db, infohash(1))
    endings.deleted(db, infohash(1))
    endings.delete_all(db)
    categories.load_all(db)
    categories.delete(db, "tv")
    values.get(db, "name")
    tags.save(db, ["tag"])
    tags.load_all(db)
    tags.delete(db, ["tag"])
    use_pushes(db)
    torrents.delete(db, infohash(1))


def use_pushes(db):
    pushes.add(db, push())
    pushes.save(db, push())
    pushes.get(db, push().id)
    pushes.first(db, "waiting", "sonarr", [push(2).id])
    pushes.in_state(db, "waiting")
    pushes.recent(db, 1)
    pushes.of_torrent(db, infohash(1))
    pushes.overdue(db, "waiting", "sonarr", 0)
    pushes.same(db, "sonarr", infohash(9), push().words)
    pushes.unsure(db, 0)
    releases.save(db, release())
    releases.candidates(db, release().start)
    releases.load_all(db)
    kept.put(db, infohash(1), b"metainfo", 1)
    kept.get(db, infohash(1))
    kept.has(db, infohash(1))
    kept.touch(db, infohash(1), 2)


def forget(db):
    """Run what is run a few times a day, and may read a whole table then."""
    pushes.prune(db, 0, 1)
    releases.prune(db, 0, 1)
    kept.prune(db, 0, 0, 0)


def test_a_new_database_has_the_newest_schema(memory):
    migrate(memory)
    assert memory.pragma("user_version") == len(MIGRATIONS)


def test_migrating_again_changes_nothing(memory):
    migrate(memory)
    before = (schema(memory), memory.total_changes(), memory.pragma("schema_version"))
    migrate(memory)
    assert (schema(memory), memory.total_changes(), memory.pragma("schema_version")) == before


@pytest.mark.parametrize("version", range(len(MIGRATIONS) + 1))
def test_every_earlier_version_becomes_the_newest(path, version):
    path.parent.mkdir()
    with contextlib.closing(apsw.Connection(str(path))) as db:
        migrate(db, MIGRATIONS[:version])
    with (
        contextlib.closing(open_database(path)) as db,
        contextlib.closing(apsw.Connection(":memory:")) as fresh,
    ):
        migrate(fresh)
        assert schema(db) == schema(fresh)
        use_everything(db)
        forget(db)


def test_a_database_of_the_first_version_keeps_all_it_has_and_learns_what_came_later(path):
    path.parent.mkdir()
    with contextlib.closing(apsw.Connection(str(path))) as db:
        migrate(db, MIGRATIONS[:1])
        fill_first_version(db)
        assert not db.table_exists("main", "removals")
    with contextlib.closing(open_database(path)) as db:
        plain = dict.fromkeys(FLAGS, False) | dict.fromkeys(LIMITS, 0)
        assert torrents.load_all(db) == [torrent(has_metainfo=True, **plain)]
        assert torrents.metainfo(db, infohash(1)) == b"metainfo"
        assert files.of(db, infohash(1)) == [file(priority=1)]
        assert events.of(db, infohash(1)) == [event()]
        assert removals.load_all(db) == []
        removals.save(db, removal())
    with contextlib.closing(open_database(path)) as db:
        assert removals.load_all(db) == [removal()]


def test_a_database_of_the_eighth_version_keeps_all_it_has_and_learns_of_releases(path):
    path.parent.mkdir()
    with contextlib.closing(apsw.Connection(str(path))) as db:
        migrate(db, MIGRATIONS[:8])
        fill(db)
        for table in ("pushes", "releases", "kept_torrents"):
            assert not db.table_exists("main", table)
    with contextlib.closing(open_database(path)) as db:
        assert torrents.load_all(db) == [torrent(has_metainfo=True)]
        assert torrents.metainfo(db, infohash(1)) == b"metainfo"
        assert files.of(db, infohash(1)) == [file()]
        assert events.of(db, infohash(1)) == [event()]
        assert pushes.recent(db, 10) == releases.load_all(db) == []
        pushes.add(db, tried_push())
        releases.save(db, release())
        kept.put(db, infohash(1), b"original", 1)
    with contextlib.closing(open_database(path)) as db:
        assert pushes.recent(db, 10) == [tried_push()]
        assert releases.load_all(db) == [release()]
        assert kept.get(db, infohash(1)) == b"original"


def test_releases_outlive_the_torrents_they_led_to(memory):
    migrate(memory)
    fill(memory)
    pushes.add(memory, tried_push())
    releases.save(memory, release())
    kept.put(memory, infohash(1), b"original", 1)
    torrents.delete(memory, infohash(1))

    assert pushes.of_torrent(memory, infohash(1)) == [tried_push()]
    assert releases.load_all(memory) == [release()]
    assert kept.get(memory, infohash(1)) == b"original"


@pytest.mark.parametrize(
    ("name", "folder", "managed"),
    [
        ("tv", "/downloads/complete/tv", True),
        ("tv", "/elsewhere/tv", True),
        ("tv", "/downloads/complete/TV", False),
        ("tv", "/downloads/complete/kid_tv", False),
        ("t_", "/downloads/complete/tv", False),
        ("tv", "/downloads/complete/films", False),
        ("films", "/downloads/complete/cinema", True),
        ("films", "/downloads/complete/films", False),
        ("music", "/music", True),
        ("music", "/downloads/complete/music", False),
        ("unknown/to us", "/downloads/complete/unknown/to us", True),
        ("", "/downloads/complete/", False),
    ],
)
def test_torrents_in_the_folder_of_their_category_are_managed_from_then_on(
    memory, name, folder, managed
):
    migrate(memory, MIGRATIONS[:3])
    for known, path in (("tv", " "), ("films", "cinema"), ("music", "/music")):
        categories.save(memory, category(known, path))
    save_torrents(memory, [torrent(category=name, save_path=folder)], but=FLAGS)
    migrate(memory)

    assert [one.auto_managed for one in torrents.load_all(memory)] == [managed]


def test_files_of_torrents_that_were_complete_are_in_their_final_place(memory):
    migrate(memory, MIGRATIONS[:3])
    save_torrents(memory, [torrent(1), torrent(2, completed_at=0)], but=FLAGS)
    save_files(memory, [file(1, 0), file(1, 1), file(2, 0)])
    migrate(memory)

    assert [one.published for one in files.of(memory, infohash(1))] == [True, True]
    assert [one.published for one in files.of(memory, infohash(2))] == [False]


def test_tags_that_torrents_have_are_known_from_then_on(memory):
    migrate(memory, MIGRATIONS[:3])
    tagged = [torrent(1, tags=("b", "a")), torrent(2, tags=("a",)), torrent(3, tags=())]
    save_torrents(memory, tagged, but=FLAGS)
    migrate(memory)

    assert tags.load_all(memory) == ["a", "b"]


def test_later_migrations_keep_the_rows_and_what_refers_to_them(memory):
    migrate(memory)
    fill(memory)
    migrate(memory, FUTURE)

    assert memory.pragma("user_version") == len(MIGRATIONS) + 2
    assert memory.execute("SELECT hash, colour FROM torrents").get == (infohash(1), "red")
    assert files.of(memory, infohash(1)) == [file()]
    assert events.of(memory, infohash(1)) == [event()]
    torrents.delete(memory, infohash(1))
    assert files.of(memory, infohash(1)) == []


def test_a_migration_that_fails_leaves_the_version_before_it(memory):
    broken = (*MIGRATIONS, "CREATE TABLE colours (name TEXT) STRICT; CREATE TABLE colours (x);")
    with pytest.raises(apsw.SQLError):
        migrate(memory, broken)

    assert memory.pragma("user_version") == len(MIGRATIONS)
    assert not memory.table_exists("main", "colours")
    migrate(memory, FUTURE)
    assert memory.pragma("user_version") == len(FUTURE)


def test_a_migration_that_breaks_references_is_refused(memory):
    migrate(memory)
    fill(memory)
    with pytest.raises(StoreError, match=rf"migration {len(MIGRATIONS) + 1} .* refer to nothing"):
        migrate(memory, (*MIGRATIONS, "DELETE FROM torrents"))

    assert memory.pragma("user_version") == len(MIGRATIONS)
    assert [record.hash for record in torrents.load_all(memory)] == [infohash(1)]


def test_a_newer_database_is_refused_and_left_alone(path):
    with contextlib.closing(open_database(path)) as db:
        migrate(db, FUTURE)
        before = schema(db)
    with pytest.raises(StoreError, match="newer version") as caught:
        open_database(path)

    assert str(path) in str(caught.value)
    with contextlib.closing(apsw.Connection(str(path))) as db:
        assert (db.pragma("user_version"), schema(db)) == (len(FUTURE), before)


def test_a_kill_between_any_two_statements_of_migrating_leaves_a_usable_database(tmp_path):
    folder = tmp_path / "now"
    folder.mkdir()
    snapshots = []

    def crash_here(*_):
        # What a killed process leaves behind is what its files hold at that moment.
        snapshots.append(tmp_path / f"crash-{len(snapshots)}")
        subprocess.run(["cp", "-r", folder, snapshots[-1]], check=True)
        return True

    with contextlib.closing(apsw.Connection(str(folder / "client.db"))) as db:
        db.pragma("journal_mode", "wal")
        db.exec_trace = crash_here
        migrate(db, FUTURE)
        crash_here()
        expected = schema(db)

    versions = []
    for snapshot in snapshots:
        with contextlib.closing(apsw.Connection(str(snapshot / "client.db"))) as db:
            assert db.pragma("integrity_check") == "ok"
            versions.append(db.pragma("user_version"))
            migrate(db, FUTURE)
            assert schema(db) == expected
    assert versions == sorted(versions)
    assert set(versions) == set(range(len(FUTURE) + 1))


@pytest.mark.parametrize(
    ("table", "kind", "elsewhere"),
    [
        ("torrents", TorrentRecord, {"has_metainfo"}),
        ("files", FileRecord, set()),
        ("events", EventRecord, set()),
        ("links", UnlockedLink, set()),
        ("categories", CategoryRecord, set()),
        ("removals", RemovalRecord, set()),
        ("endings", EndingRecord, set()),
        ("moves", MoveRecord, set()),
        ("shares", ShareRecord, set()),
        ("pushes", PushRecord, set()),
        ("releases", ReleaseRecord, set()),
    ],
)
def test_a_table_has_the_columns_of_its_record(memory, table, kind, elsewhere):
    migrate(memory)
    columns = {row[1] for row in memory.execute(f"PRAGMA table_info({table})")}
    assert columns - {"sequence"} == set(kind.__struct_fields__) - elsewhere


def test_every_table_is_strict(memory):
    migrate(memory)
    tables = memory.execute("PRAGMA table_list").fetchall()
    loose = [row[1] for row in tables if not row[5] and not row[1].startswith("sqlite_")]
    assert loose == []


def test_no_field_of_a_release_is_ever_missing(memory):
    """SQL drops a row from every comparison with a field that is NULL."""
    migrate(memory)
    for table in ("pushes", "releases", "kept_torrents"):
        columns = memory.execute(f"PRAGMA table_info({table})").fetchall()
        assert [row[1] for row in columns if not row[3] and row[1] != "sequence"] == []


def plan(db, sql, bindings):
    return [row[3] for row in db.execute(sql, bindings, explain=2)]


def test_whatever_looks_for_something_uses_an_index_and_no_index_is_useless(memory):
    migrate(memory)
    statements = {}

    def note(_, sql, bindings):
        statements[sql] = bindings
        return True

    memory.exec_trace = note
    use_everything(memory)
    memory.exec_trace = None

    del statements[torrents._LOAD]  # has a WHERE, but is for all torrents
    searches = {sql: bindings for sql, bindings in statements.items() if "WHERE" in sql}
    steps = [step for sql, bindings in searches.items() for step in plan(memory, sql, bindings)]
    assert len(searches) >= 10
    scans = {step for step in steps if step.startswith("SCAN")}
    # Ids that were given are no table.
    assert {step for step in scans if not step.startswith("SCAN json_each")} == set()
    for index in (
        *("events_by_torrent", "links_by_age", "releases_by_start"),
        *("pushes_by_infohash", "pushes_by_words", "pushes_by_state"),
    ):
        assert any(index in step for step in steps)


@pytest.mark.parametrize("table", ["metainfo", "files", "events"])
def test_deleting_a_torrent_finds_what_belongs_to_it_by_an_index(memory, table):
    migrate(memory)
    sql = f"SELECT 1 FROM {table} WHERE torrent = ?"
    assert plan(memory, sql, ("hash",))[0].startswith("SEARCH")


def test_loading_the_torrents_does_not_touch_the_metainfo_blobs(memory):
    migrate(memory)
    metainfo = [step for step in plan(memory, torrents._LOAD, ()) if "metainfo" in step]
    assert metainfo == [
        "SEARCH metainfo USING COVERING INDEX sqlite_autoindex_metainfo_1 (torrent=?)"
    ]


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        (pushes._FIRST, "pushes_by_state (state=? AND target=?)"),
        (pushes._OVERDUE, "pushes_by_state (state=? AND target=?)"),
        (pushes._IN_STATE, "pushes_by_state (state=?)"),
        (pushes._UNSURE, "pushes_by_state (state=?)"),
        (pushes._OF_TORRENT, "pushes_by_infohash (infohash=?)"),
        (pushes._OF_WORDS, "pushes_by_words (words=? AND target=?)"),
        (releases._CANDIDATES, "releases_by_start (start=?)"),
    ],
)
def test_a_release_is_found_by_an_index(memory, sql, index):
    migrate(memory)
    table = index.split("_by_")[0]
    assert plan(memory, sql, (1,) * sql.count("?"))[0] == f"SEARCH {table} USING INDEX {index}"


@pytest.mark.parametrize("sql", [pushes._FIRST, pushes._OVERDUE, pushes._OF_WORDS, pushes._RECENT])
def test_the_next_release_is_found_without_sorting_those_behind_it(memory, sql):
    migrate(memory)
    steps = plan(memory, sql, (1,) * sql.count("?"))
    assert [step for step in steps if "TEMP B-TREE" in step] == []


def test_forgetting_old_releases_needs_no_other_row(memory):
    migrate(memory)
    sql = "DELETE FROM releases WHERE seen_at < ?"
    assert "releases_by_age" in plan(memory, sql, (1,))[0]
