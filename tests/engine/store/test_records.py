"""What a record shows of itself."""

from engine.store.records import FileRecord, TorrentRecord, UnlockedLink

SECRET = "s3cret"


def test_no_record_shows_links_or_trackers():
    records = [
        TorrentRecord(
            hash="a" * 40,
            name="Film",
            state="added",
            save_path="/x",
            added_at=1,
            magnet=f"magnet:?tr=http://t/{SECRET}",
        ),
        FileRecord(torrent="a" * 40, index=0, path="Film.mkv", size=1, link=f"https://a/{SECRET}"),
        UnlockedLink(link=f"https://a/f/{SECRET}", url=f"https://d/{SECRET}", unlocked_at=1),
    ]

    shown = repr(records)
    assert SECRET not in shown
    assert "Film.mkv" in shown
