from pathlib import Path

import apsw
import pytest

from engine.store.errors import SENTENCES, StoreError, translated

PATH = Path("/config/client.db")


@pytest.mark.parametrize("kind", [*(kind for kind, _ in SENTENCES), apsw.ConstraintError])
def test_what_sqlite_says_becomes_one_sentence_with_the_path(kind):
    with pytest.raises(StoreError) as caught, translated(PATH):
        raise kind("its own words")
    message = str(caught.value)
    assert str(PATH) in message
    assert "(its own words)" in message
    assert isinstance(caught.value.__cause__, kind)


def test_a_store_error_passes_as_it_is():
    original = StoreError("the database is closed")
    with pytest.raises(StoreError) as caught, translated(PATH):
        raise original
    assert caught.value is original


def test_what_is_not_sqlites_passes_as_it_is():
    with pytest.raises(OSError, match="something else"), translated(PATH):
        raise OSError("something else")
