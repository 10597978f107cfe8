from engine.store import tags, torrents
from tests.engine.store.samples import torrent


def test_tags_come_back_by_name_each_once(db):
    tags.save(db, ["tv", "Anime"])
    tags.save(db, ["tv", "anime"])
    assert tags.load_all(db) == ["Anime", "anime", "tv"]


def test_forgetting_takes_no_other_tag_and_nothing_from_torrents(db):
    torrents.save(db, torrent(tags=("tv",)))
    tags.save(db, ["tv", "film"])
    tags.delete(db, ["tv", "never was"])
    assert tags.load_all(db) == ["film"]
    assert [one.tags for one in torrents.load_all(db)] == [("tv",)]
