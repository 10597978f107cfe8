from tests.conformance.calls import Call, File, filled, on_wire, sid_of, tidied
from tests.conformance.compare import Answer
from tests.conformance.shelf import Made


def test_names_are_filled_in_and_json_stays_as_it_is():
    assert filled({"a": "$film|x", "b": '{"x": 1}'}, {"film": "abc"}) == {
        "a": "abc|x",
        "b": '{"x": 1}',
    }


def test_a_form_is_urlencoded():
    target, headers, body = on_wire(
        Call(path="auth/login", method="POST", query={"q": "a b"}, form={"x": "é"}), {}, "s"
    )

    assert target == "/api/v2/auth/login?q=a%20b"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["Cookie"] == "SID=s"
    assert body == b"x=%C3%A9"


def test_a_form_with_a_file_is_multipart():
    call = Call(
        path="torrents/add", method="POST", form={"x": "y"}, files=(File("f", "n", b"\x00"),)
    )

    _, headers, body = on_wire(call, {}, "")

    boundary = headers["Content-Type"].partition("boundary=")[2].encode()
    assert body.count(b"--" + boundary) == 3
    assert b'name="f"; filename="n"' in body
    assert b'name="x"\r\n\r\ny\r\n' in body


def test_a_path_with_a_slash_is_taken_as_it_is():
    assert on_wire(Call(path="/query/torrents"), {}, "")[0] == "/query/torrents"


def test_what_has_to_differ_gets_a_name():
    answer = Answer(
        status=200,
        headers={"set-cookie": "SID=abc; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/"},
        body=b"/tmp/x/downloads/film",
    )

    tidy = tidied(answer, {"own_downloads": "/tmp/x/downloads", "film": "film"})

    assert sid_of(answer) == "abc"
    assert tidy.headers["set-cookie"] == "SID=<sid>; expires=<date>; path=/"
    assert tidy.body == b"<downloads>/film"


def test_a_torrent_is_told_by_what_it_is_about():
    made = Made("pack")

    assert tidied(Answer(status=200, body=made.torrent), {}).text == f"the torrent {made.infohash}"
    assert tidied(Answer(status=200, body=b"downloading"), {}).text == "downloading"
