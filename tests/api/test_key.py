import pytest

from api import settings
from api.key import Account, Key
from engine.store.store import Store

FIRST, SECOND, RENEWED = "first-key-000000000", "second-key-00000000", "renewed-key-0000000"


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store.db")
    yield store
    store.close()


def loaded(tmp_path, **environment):
    return settings.load(
        {"CONFIG_DIR": str(tmp_path), "DOWNLOAD_DIR": str(tmp_path), **environment}
    )


async def test_a_key_from_the_environment_stays_as_it_is(tmp_path, store):
    key = await Key.load(loaded(tmp_path, ALLDEBRID_API_KEY=FIRST), store)

    assert key.current() == FIRST


async def test_a_key_file_that_changed_is_read_again(tmp_path, store):
    file = tmp_path / "key"
    file.write_text(FIRST)
    key = await Key.load(loaded(tmp_path, ALLDEBRID_API_KEY_FILE=str(file)), store)
    assert key.current() == FIRST

    replacement = tmp_path / "new"
    replacement.write_text(SECOND)
    replacement.rename(file)

    assert key.current() == SECOND


async def test_a_key_file_that_went_away_leaves_the_key_in_force(tmp_path, store):
    file = tmp_path / "key"
    file.write_text(FIRST)
    key = await Key.load(loaded(tmp_path, ALLDEBRID_API_KEY_FILE=str(file)), store)
    file.unlink()

    assert key.current() == FIRST


async def test_a_renewed_key_survives_a_restart(tmp_path, store):
    configured = loaded(tmp_path, ALLDEBRID_API_KEY=FIRST)
    key = await Key.load(configured, store)
    key.renewed(RENEWED)
    assert key.current() == RENEWED

    assert (await Key.load(configured, store)).current() == RENEWED


async def test_a_renewed_key_ends_with_the_key_it_stood_in_for(tmp_path, store):
    key = await Key.load(loaded(tmp_path, ALLDEBRID_API_KEY=FIRST), store)
    key.renewed(RENEWED)

    again = await Key.load(loaded(tmp_path, ALLDEBRID_API_KEY=SECOND), store)

    assert again.current() == SECOND
    assert RENEWED not in repr(key)


async def test_a_store_without_a_mark_belongs_to_whoever_comes_first(tmp_path, store):
    account = Account(loaded(tmp_path, ALLDEBRID_API_KEY=FIRST), store)
    assert not await account.is_another()
    await account.remember()

    assert not await account.is_another()


async def test_another_key_or_another_address_is_another_account(tmp_path, store):
    await Account(loaded(tmp_path, ALLDEBRID_API_KEY=FIRST), store).remember()

    other_key = loaded(tmp_path, ALLDEBRID_API_KEY=SECOND)
    elsewhere = loaded(tmp_path, ALLDEBRID_API_KEY=FIRST, ALLDEBRID_API_URL="https://other.example")

    assert await Account(other_key, store).is_another()
    assert await Account(elsewhere, store).is_another()
    assert FIRST not in repr(Account(other_key, store))
