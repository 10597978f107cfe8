from engine.store import categories
from tests.engine.store.samples import category


def test_categories_come_back_by_name(db):
    for name in ("tv", "Movies", "anime", "TV"):
        categories.save(db, category(name))
    assert [record.name for record in categories.load_all(db)] == ["Movies", "TV", "anime", "tv"]


def test_saving_again_changes_the_path(db):
    categories.save(db, category(save_path="series"))
    categories.save(db, category(save_path=""))
    assert categories.load_all(db) == [category(save_path="")]


def test_a_deleted_category_is_gone_and_others_stay(db):
    categories.save(db, category("tv"))
    categories.save(db, category("movies"))
    categories.delete(db, "tv")
    categories.delete(db, "never there")
    assert categories.load_all(db) == [category("movies")]
