import contextlib

import apsw
from hypothesis import given
from hypothesis import strategies as st

from engine.store import events, files, rows, torrents
from engine.store.records import CategoryRecord, EventRecord, FileRecord, TorrentRecord
from engine.store.schema import migrate
from tests.engine.store.samples import infohash, torrent

texts = st.text(st.characters(exclude_categories=["Cs"]))
integers = st.integers(-(2**63), 2**63 - 1)
FIELDS = {
    str: texts,
    int: integers,
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    tuple[str, ...]: st.lists(texts).map(tuple),
}


def records(kind, **fixed):
    hints = {name: hint for name, hint in kind.__annotations__.items() if name not in fixed}
    return st.builds(kind, **{name: FIELDS[hint] for name, hint in hints.items()}, **fixed)


@contextlib.contextmanager
def memory():
    with contextlib.closing(apsw.Connection(":memory:")) as db:
        migrate(db)
        yield db


def test_names_are_quoted_so_that_a_field_may_be_called_like_a_keyword():
    assert rows.select(CategoryRecord, "categories", "LIMIT 1") == (
        'SELECT "name", "save_path" FROM categories LIMIT 1'
    )
    assert rows.insert(CategoryRecord, "categories") == (
        'INSERT INTO categories ("name", "save_path") VALUES (:name, :save_path)'
    )


def test_an_upsert_changes_all_but_the_key():
    assert rows.upsert(CategoryRecord, "categories", "name") == (
        rows.insert(CategoryRecord, "categories")
        + ' ON CONFLICT ("name") DO UPDATE SET "save_path" = excluded."save_path"'
    )


def test_fields_that_are_kept_elsewhere_are_left_out():
    sql = rows.upsert(TorrentRecord, "torrents", "hash", but=("has_metainfo",))
    assert "has_metainfo" not in sql
    assert '"inactive_seeding_time_limit" = excluded.' in sql


@given(records(TorrentRecord, has_metainfo=st.just(False)))
def test_any_torrent_comes_back_as_it_was_saved(record):
    with memory() as db:
        torrents.save(db, record)
        assert torrents.load_all(db) == [record]


@given(st.lists(records(FileRecord, torrent=st.just(infohash(1))), unique_by=lambda f: f.index))
def test_any_files_come_back_as_they_were_saved_and_in_order(saved):
    with memory() as db:
        torrents.save(db, torrent())
        files.replace(db, infohash(1), saved)
        assert files.of(db, infohash(1)) == sorted(saved, key=lambda file: file.index)


@given(st.lists(records(EventRecord, torrent=st.just(infohash(1))), max_size=20))
def test_any_events_come_back_in_the_order_they_were_recorded(recorded):
    with memory() as db:
        torrents.save(db, torrent())
        for event in recorded:
            events.record(db, event)
        assert events.of(db, infohash(1)) == recorded
