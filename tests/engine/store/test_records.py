"""What a record shows of itself."""

from engine.store.records import FileRecord, PushRecord, TorrentRecord, UnlockedLink

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


def test_a_push_shows_neither_what_is_pushed_nor_what_was_answered():
    """Both may hold passkeys, and a debugging event loop writes down what works return."""
    record = PushRecord(
        id="0123456789abcdef",
        target="sonarr",
        title="Film",
        words="film",
        payload=f'{{"downloadUrl":"http://t/{SECRET}"}}',
        state="waiting",
        accepted_at=1,
        answer=f'[{{"attemptedValue":"http://t/{SECRET}"}}]',
    )

    assert SECRET not in repr(record)
    for shown in ("0123456789abcdef", "sonarr", "Film", "waiting"):
        assert shown in repr(record)
