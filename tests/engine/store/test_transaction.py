import contextlib

import apsw
import pytest

from engine.store import values
from engine.store.transaction import transaction


def test_a_block_that_ends_well_is_committed(db):
    with transaction(db):
        values.put(db, "name", "value")
    assert not db.in_transaction
    assert values.get(db, "name") == "value"


@pytest.mark.parametrize("reason", [LookupError, KeyboardInterrupt])
def test_a_block_that_raises_is_rolled_back(db, reason):
    def fail_after_writing():
        with transaction(db):
            values.put(db, "name", "value")
            raise reason

    with pytest.raises(reason):
        fail_after_writing()
    assert not db.in_transaction
    assert values.get(db, "name") is None


def test_a_transaction_that_sqlite_rolled_back_raises_what_went_wrong_first(db):
    db.pragma("max_page_count", db.pragma("page_count") + 2)
    with pytest.raises(apsw.FullError), transaction(db):
        values.put(db, "large", "x" * 1_000_000)
    assert not db.in_transaction


def test_a_block_that_hides_a_full_disk_is_not_taken_for_committed(db):
    db.pragma("max_page_count", db.pragma("page_count") + 2)

    def hide():
        with transaction(db):
            values.put(db, "small", "x")
            with contextlib.suppress(apsw.FullError):
                values.put(db, "large", "x" * 1_000_000)

    with pytest.raises(apsw.SQLError, match="no transaction is active"):
        hide()
    assert values.get(db, "small") is None


def test_the_write_lock_is_taken_at_the_start(db, path):
    other = apsw.Connection(str(path))
    with transaction(db), pytest.raises(apsw.BusyError):
        other.execute("BEGIN IMMEDIATE")
    other.close()
