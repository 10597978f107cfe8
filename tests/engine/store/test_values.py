from engine.store import values


def test_a_value_that_was_never_put_is_not_there(db):
    assert values.get(db, "name") is None


def test_a_value_comes_back_by_its_name(db):
    values.put(db, "name", "value")
    values.put(db, "other", "")
    assert (values.get(db, "name"), values.get(db, "other")) == ("value", "")


def test_a_newer_value_takes_the_place_of_the_older(db):
    values.put(db, "name", "older")
    values.put(db, "name", "newer")
    assert values.get(db, "name") == "newer"
