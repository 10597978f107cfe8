import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

import apsw
import psutil
import pytest

from engine.store import connection
from engine.store.connection import configure, open_database
from engine.store.errors import StoreError

NOBODY = 65534


@contextlib.contextmanager
def unprivileged():
    """Be an ordinary user for a while: root may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public_folder():
    """A folder that an ordinary user can reach; pytest's own are closed to all but the owner."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def refused(path):
    """Open what cannot be opened and return the one sentence about it."""
    with pytest.raises(StoreError) as caught:
        open_database(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_folders_and_file_are_made_and_only_the_owner_may_read_the_file(tmp_path):
    path = tmp_path / "a" / "b" / "client.db"
    with contextlib.closing(open_database(path)) as db:
        db.execute("INSERT INTO named_values VALUES ('key', 'secret')")
        assert {f.name: mode(f) for f in path.parent.iterdir()} == {
            "client.db": 0o600,
            "client.db-wal": 0o600,
            "client.db-shm": 0o600,
        }


def test_a_file_that_others_may_read_is_closed_to_them(path):
    open_database(path).close()
    path.chmod(0o644)
    open_database(path).close()
    assert mode(path) == 0o600


def test_a_file_that_cannot_be_closed_to_others_is_only_reported(tmp_path, caplog):
    connection._make_private(tmp_path / "missing")
    assert "database_not_private" in caplog.text
    assert str(tmp_path / "missing") in caplog.text


def test_a_commit_goes_to_the_wal_without_waiting_for_the_disk(db):
    assert db.pragma("journal_mode") == "wal"
    assert db.pragma("synchronous") == 1  # NORMAL
    assert db.pragma("foreign_keys") == 1
    assert db.pragma("busy_timeout") == 5_000


def test_double_quotes_are_never_strings(db):
    with pytest.raises(apsw.SQLError, match="no such column"):
        db.execute('SELECT "nonsense" FROM torrents')


def test_an_empty_file_becomes_a_database(path):
    path.parent.mkdir()
    path.touch()
    with contextlib.closing(open_database(path)) as db:
        assert db.table_exists("main", "torrents")


def test_a_file_that_is_no_database_is_refused_and_left_alone(path):
    path.parent.mkdir()
    path.write_text("[settings]\nname = value\n" * 100)
    assert "something else than a database" in refused(path)
    assert path.read_text() == "[settings]\nname = value\n" * 100


def test_a_database_with_a_damaged_schema_is_refused(path):
    open_database(path).close()
    data = bytearray(path.read_bytes())
    data[100:108] = b"\xff" * 8  # the first page's b-tree header
    path.write_bytes(data)
    assert "is damaged" in refused(path)


def test_a_folder_in_the_place_of_the_file_is_refused_and_left_alone(path):
    path.mkdir(parents=True)
    before = mode(path)
    assert "must be a writable file" in refused(path)
    assert mode(path) == before


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "config").write_text("")
    assert "its folder must be writable" in refused(tmp_path / "config" / "client.db")


def test_a_folder_that_cannot_be_made_is_refused():
    assert "its folder must be writable" in refused(Path("/proc/nowhere/client.db"))


def test_a_folder_that_may_only_be_read_is_refused(public_folder):
    public_folder.chmod(0o555)
    with unprivileged():
        assert "its folder must be writable" in refused(public_folder / "client.db")


def test_a_database_that_may_only_be_read_is_refused(path):
    open_database(path).close()
    with (
        contextlib.closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as db,
        pytest.raises(StoreError, match="may only be read") as caught,
    ):
        configure(db)
    assert str(path) in str(caught.value)


def test_a_file_system_without_shared_memory_is_refused(tmp_path):
    # SQLite's dotfile locking is what it uses where there is none.
    path = tmp_path / "client.db"
    with (
        contextlib.closing(apsw.Connection(str(path), vfs="unix-dotfile")) as db,
        pytest.raises(StoreError, match="must be on a local disk") as caught,
    ):
        configure(db)
    assert str(path) in str(caught.value)


def test_a_refused_file_is_not_kept_open(path):
    path.parent.mkdir()
    path.write_text("no database" * 1000)
    refused(path)
    before = psutil.Process().num_fds()
    for _ in range(50):
        refused(path)
    assert psutil.Process().num_fds() == before
