"""Forms as a parser that nobody here wrote reads them."""

import email
import urllib.parse

from hypothesis import given
from hypothesis import strategies as st

from engine.alldebrid.forms import FilePart, encoded, multipart

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
FIELDS = st.lists(st.tuples(st.sampled_from(["id[]", "magnets[]", "m"]), TEXTS))


def parts_of(body):
    """Name, file name, type and content of each part, as the standard library reads mail."""
    head = f"Content-Type: {body.content_type}\r\n\r\n".encode()
    for part in email.message_from_bytes(head + body.content).get_payload():
        named = dict(part.get_params(header="content-disposition"))
        content_type = part["Content-Type"]
        yield named["name"], named.get("filename"), content_type, part.get_payload(decode=True)


@given(FIELDS)
def test_a_form_comes_back_as_it_was(form):
    body = encoded(form)

    assert body.content_type == "application/x-www-form-urlencoded"
    text = body.content.decode("ascii")
    assert urllib.parse.parse_qsl(text, keep_blank_values=True) == form


def test_a_file_comes_back_with_its_name_and_every_byte():
    part = FilePart("files[]", "a.torrent", b"d4:infod1:a1:bee", "application/x-bittorrent")

    assert list(parts_of(encoded(part))) == [
        ("files[]", "a.torrent", "application/x-bittorrent", b"d4:infod1:a1:bee")
    ]


@given(st.binary())
def test_any_content_stands_between_its_boundaries(content):
    body = multipart([("category", "tv")], FilePart("torrents", "a.torrent", content, "x/y"))
    boundary = body.content_type.partition("boundary=")[2].encode()

    before, field, file, after = body.content.split(b"--" + boundary)
    assert before == b""
    assert field.endswith(b'name="category"\r\n\r\ntv\r\n')
    assert file.endswith(b"Content-Type: x/y\r\n\r\n" + content + b"\r\n")
    assert after == b"--\r\n"


def test_repr_tells_a_bodys_size_and_not_what_is_in_it():
    assert "secret" not in repr(encoded([("key", "secret")]))
