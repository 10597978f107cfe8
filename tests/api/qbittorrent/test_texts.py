import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.qbittorrent.texts import calm, content_path, folder, tracker_host, valid

# A machine that is busy is no failure.
unhurried = settings(deadline=None)


@unhurried
@given(
    st.lists(
        st.sampled_from(["not", "exist", "found", "registered", "un", "does", " ", "FOUND", "a"]),
        max_size=12,
    ).map("".join)
    | st.text()
)
def test_no_message_makes_autobrr_think_the_torrent_is_unregistered(reason):
    shown = calm(reason).lower()
    for word in ("unregistered", "not registered", "not found", "not exist"):
        assert word not in shown


def test_a_calmed_message_still_reads_as_a_sentence():
    assert calm("The file does not exist.") == "The file is gone."
    assert calm("Link Not Found") == "Link missing"


@unhurried
@given(st.text() | st.text(st.characters(categories=["Cs"])))
def test_every_text_can_be_encoded_and_good_text_stays(text):
    assert len(valid(text).encode().decode()) == len(text)
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert valid(text) == text


@pytest.mark.parametrize(
    ("given_", "shown"), [("/d/", "/d"), ("/d", "/d"), ("/d//", "/d"), ("/", "/"), ("", "")]
)
def test_a_folder_has_no_slash_at_its_end(given_, shown):
    assert folder(given_) == shown


@unhurried
@given(st.text("/ab", max_size=8), st.text("/ab", max_size=8))
def test_content_is_strictly_below_its_folder_or_nowhere(path, save_path):
    shown = content_path(path, folder(save_path))
    assert shown == "" or (shown.startswith(folder(save_path)) and shown != folder(save_path))
    assert shown == folder(shown)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://t.example/PASSKEY/announce", "https://t.example"),
        ("udp://user:PASSKEY@[::1]:1337/announce?passkey=PASSKEY", "udp://[::1]:1337"),
        ("PASSKEY", ""),
        ("http://[PASSKEY", ""),
        ("http://t.example:PASSKEY/", ""),
    ],
)
def test_of_a_tracker_only_its_host_is_shown(url, shown):
    assert tracker_host(url) == shown
