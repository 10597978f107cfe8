"""The script for Autobrr's exec action, run for real on machines that have little."""

import ast
import base64
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from arrpush.__main__ import Stop, push
from tests.arrpush.script_desk import (
    BUSYBOX,
    CURL,
    MACHINES,
    NOTHING,
    OLD_PYTHON,
    PYTHON,
    ROOT,
    SMALL,
    WGET,
    Machine,
    Place,
    command_lines,
    needed,
    wait_until_alone,
)
from tests.fakes.webhook import TOKEN, Fault, Webhook

BROKEN, BAD_INPUT, UNREACHABLE, REFUSED, WRONG_TOKEN, UNDER_WAY = range(1, 7)
HASH = "0123456789abcdef0123456789abcdef01234567"
PASSKEY = "marked-passkey-77"
URL = f"https://tracker.example/download/1.torrent?passkey={PASSKEY}"
MAGNET = f"magnet:?xt=urn:btih:{HASH}&tr=https%3A%2F%2Ftracker.example%2F{PASSKEY}"
SECRETS = (TOKEN, PASSKEY)
RELEASE = ("--name", "A.Show.S01E02.1080p.WEB-GROUP", "--hash", HASH)

IDENTIFIER = re.compile(r"[0-9a-f]{16}")


@pytest.fixture
def webhook():
    with Webhook() as one:
        yield one


@pytest.fixture(params=MACHINES, ids=str)
def place(request, tmp_path, webhook):
    return on(request.param, tmp_path, webhook)


@pytest.fixture(params=[CURL, PYTHON], ids=str)
def either(request, tmp_path, webhook):
    """One machine for the script, and one for the module."""
    return on(request.param, tmp_path, webhook)


def on(machine, folder, webhook=None):
    made = Place(machine, folder)
    if webhook:
        made.environ["ARRPUSH_URL"] = webhook.url
    return made


def failed(ran, status):
    """Check the status, and that one line says why, without a secret."""
    assert (ran.status, ran.out) == (status, ""), ran
    assert re.fullmatch(r"arr_push_v5: [^\n]+\n", ran.err), ran
    assert "://" not in ran.err
    assert "magnet:" not in ran.err
    assert not [secret for secret in SECRETS if secret in ran.err]
    return ran.err


def accepted(ran, state="waiting"):
    assert (ran.status, ran.err) == (0, ""), ran
    name, told = ran.out.split()
    assert ran.out == f"{name} {told}\n"
    assert IDENTIFIER.fullmatch(name)
    assert told == state


# What is sent


def test_what_is_given_arrives_under_the_names_of_the_specification(place, webhook):
    given = {
        "name": "A.Show.S01E02",
        "url": URL,
        "magnet": MAGNET,
        "hash": HASH,
        "size": "1234567890",
        "indexer": "autobrr",
        "info-url": "https://tracker.example/details/1",
        "type": "episode",
    }
    options = [part for name, value in given.items() for part in (f"--{name}", value)]

    accepted(place.run("--target", "sonarr", *options))

    (heard,) = webhook.heard
    assert (heard.method, heard.path, heard.query) == ("POST", "/arrpush", {"target": "sonarr"})
    assert heard.headers["x-api-key"] == TOKEN
    assert heard.headers["content-type"] == "application/json"
    assert heard.json == {
        "ReleaseName": given["name"],
        "TorrentUrl": URL,
        "MagnetURI": MAGNET,
        "TorrentHash": HASH,
        "Size": given["size"],
        "Indexers": "autobrr",
        "InfoUrl": given["info-url"],
        "Type": "episode",
    }


def test_a_value_is_an_option_a_pair_or_of_the_environment_in_this_order(place, webhook):
    accepted(
        place.run(
            "--target=radarr",
            "ReleaseName=A Film=2024",
            "--size=12",
            "Size=13",
            "--hash",
            "",
            "Type=",
            Target="sonarr",
            TorrentHash=HASH,
            InfoUrl="https://tracker.example/1",
            Size="14",
        )
    )

    (heard,) = webhook.heard
    assert heard.query == {"target": "radarr"}
    assert heard.json == {
        "ReleaseName": "A Film=2024",
        "Size": "13",
        "TorrentHash": HASH,
        "InfoUrl": "https://tracker.example/1",
    }


FIELDS = {
    "--name": "ReleaseName",
    "--url": "TorrentUrl",
    "--magnet": "MagnetURI",
    "--hash": "TorrentHash",
    "--size": "Size",
    "--indexer": "Indexers",
    "--info-url": "InfoUrl",
    "--type": "Type",
}

HOSTILE = (
    """A "Show" of 'quotes' S01E01""",
    r"A\Show\\S01E01\n\u0041\ ",
    "A\nShow\tin\r\nlines\x0b\x0c\x08\x01\x1b[31m\x7f",
    "ends in a line\n",
    "$(touch owned) ${HOME} $HOME",
    "`touch owned`; touch owned & | > owned",
    "* ? [a-z]* ~ % %s %d %n & \\& /etc/*",
    "Ein Größenwahn für Öl S01E01",
    "A 😀 Show 👩‍👩‍👧 電影 \U0010ffff \u0080 \u07ff \u0800 \uffff \U00010000",
    "--wait=5",
    "--help",
    "-n -e",
    "TorrentUrl=http://elsewhere.example/ a=b==c",
    "  A Show  ",
    '","TorrentUrl":"http://elsewhere.example/","x":"',
    "A.Show." * 3000,
)


@pytest.mark.parametrize("texts", [HOSTILE[:8], HOSTILE[8:]], ids=["quotes", "options"])
def test_every_text_arrives_as_it_is_and_is_never_run(place, webhook, texts):
    pairs = zip(FIELDS, texts, strict=True)

    accepted(place.run(*(part for pair in pairs for part in pair)))

    assert webhook.heard[0].json == dict(zip(FIELDS.values(), texts, strict=True))
    assert not list(place.folder.rglob("owned"))


DAMAGED = (
    b"\xff", b"\xc3", b"\xc3(", b"\x80", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf8\x88\x80\x80\x80",
    b"\xf4\x90\x80\x80", b"\xe0\x80\x80", b"\xe2\x82", b"\xf0\x9f\x98",
)  # fmt: skip


def test_bytes_that_are_no_utf_8_are_taken_for_latin_1(place, webhook):
    accepted(place.run("--name", b"|".join([*DAMAGED, b"\xc3\xbc", b"Gr\xf6\xdfe", b"\xe2\x82"])))

    *damaged, umlaut, latin, broken_off = webhook.heard[0].json["ReleaseName"].split("|")
    assert damaged == [one.decode("latin-1") for one in DAMAGED]
    assert (umlaut, latin, broken_off) == ("ü", "Größe", "\xe2\x82")


def test_a_size_that_is_no_number_is_the_services_business(place, webhook):
    accepted(place.run(*RELEASE, "--size", "1.4 GB"))

    assert webhook.heard[0].json["Size"] == "1.4 GB"


# The .torrent


def test_the_torrent_arrives_byte_for_byte(place, webhook):
    data = bytes(range(256)) * (12 << 10)  # 3 MiB
    path = place.write('a "torrent" of $HOME ü\'.torrent', data)

    accepted(place.run(*RELEASE, "--path", str(path)))

    assert webhook.heard[0].torrent == data
    assert "TorrentPath" not in webhook.heard[0].json


WITHOUT_BASE64 = (
    Machine("od and awk", tools=(*SMALL, "curl")),
    Machine("openssl", tools=(*SMALL, "curl", "openssl")),
    Machine("od and awk of busybox", ("busybox", "ash"), applets=(*SMALL, "wget")),
)


@pytest.mark.parametrize("machine", WITHOUT_BASE64, ids=str)
@pytest.mark.parametrize("length", [1, 2, 3, 100_001])
def test_a_machine_without_base64_sends_it_all_the_same(tmp_path, webhook, machine, length):
    place = on(machine, tmp_path, webhook)
    data = (bytes(range(255, -1, -1)) * 400)[:length]

    accepted(place.run("--path", str(place.write("1.torrent", data))))

    assert webhook.heard[0].torrent == data


def test_the_largest_torrent_is_sent_and_a_larger_one_is_not(place, webhook):
    path = place.write("1.torrent", b"")
    os.truncate(path, 10 << 20)
    accepted(place.run("--path", str(path)))
    assert webhook.heard[0].torrent == bytes(10 << 20)

    os.truncate(path, (10 << 20) + 1)
    assert "more than" in failed(place.run("--path", str(path)), BAD_INPUT)
    assert len(webhook.heard) == 1


@pytest.mark.parametrize("kind", ["missing", "folder", "empty"])
def test_a_torrent_that_cannot_be_read_is_bad_input(either, webhook, kind):
    path = either.work / "1.torrent"
    if kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()

    failed(either.run("--name", "A.Show.S01E02", "--path", str(path)), BAD_INPUT)

    assert webhook.heard == []


@pytest.mark.parametrize("option", [("--url", URL), ("--magnet", MAGNET), ("--hash", HASH)])
def test_with_something_else_it_goes_on_without_the_torrent_and_says_so(either, webhook, option):
    ran = either.run("--path", "/nowhere/1.torrent", *option)

    assert ran.status == 0
    assert ran.err == (
        "arr_push_v5: warning: goes on without the .torrent: there is no such file\n"
    )
    assert "TorrentDataRawBytes" not in webhook.heard[0].json


def test_a_torrent_of_somebody_else_is_bad_input(tmp_path, webhook):
    if os.geteuid() != 0:
        pytest.skip("only root may read less than root: who runs this cannot become another user")
    place = on(CURL, tmp_path, webhook)
    place.write("1.torrent", b"d4:infodee").chmod(0)
    for folder in (tmp_path, *tmp_path.parents[:2], place.temporary, place.work):
        folder.chmod(0o777)

    ran = subprocess.run(
        place.command("--path", "1.torrent"),
        env=place.environ,
        cwd=place.work,
        user=65534,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (
        BAD_INPUT,
        "arr_push_v5: the .torrent cannot be used: it cannot be read\n",
    )


# Bad input


def said_by_module(place, arguments, status, **settings):
    """Return what the module says, here and now, where the script has failed."""
    nothing = str(place.write("nothing.env", b""))
    with pytest.raises(Stop) as told:
        push(list(arguments), {**place.environ, "ARRPUSH_ENV": nothing, **settings})
    assert told.value.status == status
    return f"arr_push_v5: {told.value.sentence}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--target", "sonarr"),
        ("--target", "lidarr", *RELEASE),
        ("--name",),
        (*RELEASE, "--url"),
        (*RELEASE, "--cookie", "marked-passkey-77"),
        (*RELEASE, "Cookie=marked-passkey-77"),
        (*RELEASE, URL),
        (*RELEASE, MAGNET),
        (*RELEASE, "word"),
        (*RELEASE, "-x"),
        (*RELEASE, "--wait", "5"),
        (*RELEASE, "--wait="),
        (*RELEASE, "--wait=-1"),
        (*RELEASE, "--wait=1.5"),
        (*RELEASE, "--wait=12345"),
        (*RELEASE, ""),
        (*RELEASE, "="),
    ],
    ids=str,
)
def test_arguments_that_are_wrong_are_bad_input(tmp_path, webhook, arguments):
    place = on(CURL, tmp_path, webhook)

    message = failed(place.run(*arguments), BAD_INPUT)

    assert webhook.heard == []
    assert message == said_by_module(place, arguments, BAD_INPUT)


@pytest.mark.parametrize(
    "settings",
    [
        {"ARRPUSH_URL": "nas:6500"},
        {"ARRPUSH_URL": "file:///etc/passwd"},
        {"ARRPUSH_URL": "http://"},
        {"ARRPUSH_URL": "http:///arrpush"},
        {"ARRPUSH_URL": f"http://nas:6500/arrpush?apikey={TOKEN}"},
        {"ARRPUSH_URL": f"http://{TOKEN}@/"},
        {"ARRPUSH_URL": f"http://{TOKEN}@nas:port"},
        {"ARRPUSH_URL": "http://nas:99999"},
        {"ARRPUSH_URL": "http://nas:"},
        {"ARRPUSH_URL": 'http://nas"\noutput = "/tmp/owned'},
        {"ARRPUSH_TOKEN": f"{TOKEN} x"},
        {"ARRPUSH_TOKEN": f"{TOKEN}\nX-Other: 1"},
        {"ARRPUSH_TOKEN": f"{TOKEN}ü"},
        {"ARRPUSH_TOKEN_FILE": "here.token"},
        {"ARRPUSH_TOKEN": "", "ARRPUSH_TOKEN_FILE": "/nowhere/token"},
        {"ARRPUSH_TOKEN": "", "ARRPUSH_TOKEN_FILE": "/"},
        {"ARRPUSH_TOKEN": "", "ARRPUSH_TOKEN_FILE": "/dev/null"},
        {"ARRPUSH_TIMEOUT": "0"},
        {"ARRPUSH_TIMEOUT": "soon"},
        {"ARRPUSH_TRIES": "0"},
        {"ARRPUSH_TRIES": "010"},
        {"ARRPUSH_PAUSE": "-1"},
        {"ARRPUSH_ENV": "/nowhere/arr_push_v5.env"},
        {"ARRPUSH_ENV": "/"},
    ],
    ids=str,
)
def test_settings_that_are_wrong_are_bad_input(tmp_path, webhook, settings):
    place = on(CURL, tmp_path, webhook)

    message = failed(place.run(*RELEASE, **settings), BAD_INPUT)

    assert webhook.heard == []
    assert message == said_by_module(place, RELEASE, BAD_INPUT, **settings)


# Settings


def test_the_file_of_settings_is_read_and_not_run(place, webhook):
    file = place.package / "arr_push_v5.env"
    file.write_text(
        "# of the service\n\n"
        f"ARRPUSH_URL='{webhook.url}'\r\n"
        "OTHER=$(touch owned)\n"
        "touch owned\n"
        "PATH=/nowhere\n"
        f'ARRPUSH_TOKEN="{TOKEN}"\n'
        "ARRPUSH_PAUSE=0"
    )
    file.chmod(0o400)
    for name in ("ARRPUSH_URL", "ARRPUSH_TOKEN", "ARRPUSH_PAUSE"):
        del place.environ[name]

    accepted(place.run(*RELEASE))

    assert webhook.heard[0].headers["x-api-key"] == TOKEN
    assert not list(place.folder.rglob("owned"))


def test_the_environment_comes_before_the_file_of_settings(place):
    file = place.write(
        "other.env", b"ARRPUSH_URL=http://127.0.0.1:1\nARRPUSH_TOKEN_FILE=/nowhere\n"
    )

    accepted(place.run(*RELEASE, ARRPUSH_ENV=str(file)))


def test_a_token_may_have_every_visible_character(place, webhook):
    webhook.token = "".join(map(chr, range(33, 127)))

    accepted(place.run(*RELEASE, ARRPUSH_TOKEN=webhook.token))


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n", b"\nand another line\n"])
def test_the_token_is_the_first_line_of_its_file(either, ending):
    file = either.write("the token", TOKEN.encode() + ending)

    accepted(either.run(*RELEASE, ARRPUSH_TOKEN="", ARRPUSH_TOKEN_FILE=str(file)))


def test_without_a_token_none_is_sent(place, webhook):
    webhook.token = ""

    accepted(place.run(*RELEASE, ARRPUSH_TOKEN=""))

    assert not {"x-api-key", "authorization"} & set(webhook.heard[0].headers)


@pytest.mark.parametrize(
    ("login", "sent"),
    [
        (f"{TOKEN}@", f"{TOKEN}:"),
        (f"user:{TOKEN}@", f"user:{TOKEN}"),
        ("us%65r:%22p%C3%bc@s%25s%22@", 'user:"pü@s%s"'),
        ("a%zz:%@", "a%zz:%"),
    ],
)
def test_user_and_password_of_the_url_are_sent_along(place, webhook, login, sent):
    url = webhook.url.replace("://", f"://{login}")
    webhook.token = ""

    accepted(place.run(*RELEASE, ARRPUSH_URL=url, ARRPUSH_TOKEN=""))

    kind, _, value = webhook.heard[0].headers["authorization"].partition(" ")
    assert (kind, base64.b64decode(value).decode()) == ("Basic", sent)


@pytest.mark.parametrize("ending", ["", "/", "/arrpush", "/arrpush/"])
def test_the_service_may_be_below_a_path(either, ending):
    with Webhook(prefix="/down/loads") as webhook:
        accepted(either.run(*RELEASE, "--wait", ARRPUSH_URL=webhook.url + ending), "grabbed")

    assert [one.path.rpartition("/arrpush")[0] for one in webhook.heard] == ["/down/loads"] * 2


def test_the_service_may_have_an_ipv6_address(place):
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback address")
    with listener:
        listener.settimeout(20)
        port = listener.getsockname()[1]
        with place.start(
            *RELEASE, ARRPUSH_URL=f"http://[::1]:{port}", ARRPUSH_TRIES="1"
        ) as process:
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(4096).startswith(b"POST /arrpush?target=auto HTTP/1.1\r\n")
            assert process.wait(20) == UNREACHABLE


@pytest.mark.parametrize("machine", MACHINES, ids=str)
def test_proxies_of_the_environment_are_not_used(tmp_path, webhook, machine):
    place = on(machine, tmp_path, webhook)
    names = ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY")

    accepted(place.run(*RELEASE, **dict.fromkeys(names, "http://127.0.0.1:1")))


def test_the_users_own_settings_of_the_tools_are_not_used(place, webhook):
    place.write(".curlrc", b'proxy = "http://127.0.0.1:1"\nfail\nurl = "http://127.0.0.1:1"\n')
    place.write(".wgetrc", b"http_proxy = http://127.0.0.1:1\nuse_proxy = on\nheader = X-Mine: 1\n")
    place.write(".netrc", b"machine 127.0.0.1 login me password mine\n")

    accepted(place.run(*RELEASE))

    failed(place.run(*RELEASE, ARRPUSH_TOKEN="another"), WRONG_TOKEN)
    assert len(webhook.heard) == 2
    assert not [one for one in webhook.heard if {"x-mine", "authorization"} & set(one.headers)]


# What became of it


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, UNREACHABLE),
        (204, UNREACHABLE),
        (302, UNREACHABLE),
        (400, BAD_INPUT),
        (401, WRONG_TOKEN),
        (403, UNREACHABLE),
        (404, UNREACHABLE),
        (405, UNREACHABLE),
        (408, UNREACHABLE),
        (413, BAD_INPUT),
        (429, UNREACHABLE),
        (500, UNREACHABLE),
        (503, UNREACHABLE),
    ],
)
def test_each_answer_has_its_exit_status(place, webhook, status, code):
    webhook.answers = [status] * 2

    message = failed(place.run(*RELEASE, ARRPUSH_TRIES="2"), code)

    if place.machine is BUSYBOX and status == 302:
        return  # its wget follows by itself, and finds nothing there
    assert f"HTTP {status}" in message
    again = status in {408, 429, 500, 503}
    assert len(webhook.pushed) == 1 + again


def test_a_wrong_token_is_told(place, webhook):
    webhook.token = "another"

    assert "token" in failed(place.run(*RELEASE), WRONG_TOKEN)


@pytest.mark.parametrize("machine", [CURL, WGET, PYTHON], ids=str)
def test_what_the_service_says_is_shown_in_one_line_without_links(tmp_path, webhook, machine):
    said = f'no "title"\n\\ \x1b[31m of {URL} and {MAGNET.upper()} ü'
    webhook.answers = [(400, {"error": said})]

    message = failed(on(machine, tmp_path, webhook).run(*RELEASE), BAD_INPUT)

    assert 'no "title" ' in message
    assert "(link) and (link) " in message
    assert "\x1b" not in message


@pytest.mark.parametrize("letters", ["A", "A ", '"', "\\", "http://", "ü"])
def test_of_a_long_sentence_the_beginning_is_shown(either, webhook, letters):
    webhook.answers = [(400, {"error": letters * (30_000 // len(letters))})]

    ran = either.run(*RELEASE)

    assert ran.status == BAD_INPUT
    assert len(ran.err) < 700


def test_a_token_that_comes_back_is_not_shown(either, webhook):
    login = base64.b64encode(f"me:{PASSKEY}".encode()).decode()
    webhook.answers = [(400, {"error": f"what is {secret}?"}) for secret in (TOKEN, login)]
    url = webhook.url.replace("://", f"://me:{PASSKEY}@")

    failed(either.run(*RELEASE), BAD_INPUT)
    assert login not in failed(either.run(*RELEASE, ARRPUSH_URL=url), BAD_INPUT)


def test_what_the_service_left_out_is_a_warning(either, webhook):
    told = {"id": "0123456789abcdef", "state": "waiting", "note": f"the .torrent of {URL} is none"}
    webhook.answers = [(202, told)]

    ran = either.run(*RELEASE)

    assert (ran.status, ran.out) == (0, "0123456789abcdef waiting\n")
    assert ran.err == "arr_push_v5: warning: accepted, but: the .torrent of (link) is none\n"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "", "state": "waiting"},
        {"id": "0123", "state": ""},
        {"id": "../../other", "state": "waiting"},
        {"id": ["0123"], "state": "waiting"},
        b"",
        b"<html>Accepted</html>",
        b"[" * 60_000,
        b"\xff\xfe\x00",
    ],
    ids=str,
)
def test_something_else_that_accepts_everything_is_not_the_service(either, webhook, body):
    webhook.answers = [(202, body)]

    failed(either.run(*RELEASE), UNREACHABLE)


@pytest.mark.parametrize(
    "body",
    [
        b'{\n  "id" : "0123456789abcdef",\n  "state" : "waiting"\n}\n',
        b'{"title":"\\"state\\":\\"x\\",\\"id\\":\\"y","id":"0123456789abcdef","state":"waiting"}',
    ],
)
def test_the_answer_is_read_however_it_is_written(place, webhook, body):
    webhook.answers = [(202, body)]

    accepted(place.run(*RELEASE))


def test_a_service_that_is_not_there_is_unreachable(place):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

        failed(place.run(*RELEASE, ARRPUSH_URL=url), UNREACHABLE)


def test_a_host_that_is_not_known_is_unreachable(place):
    failed(place.run(*RELEASE, ARRPUSH_URL="http://nowhere.invalid:6500"), UNREACHABLE)


def test_a_service_that_does_not_answer_is_left_after_the_timeout(place, webhook):
    webhook.answers = [Fault.HANG]

    failed(place.run(*RELEASE, ARRPUSH_TIMEOUT="1", ARRPUSH_TRIES="1"), UNREACHABLE)


@pytest.mark.parametrize("trouble", [503, 408, Fault.DROP, Fault.CUT], ids=str)
def test_it_is_tried_again_and_the_service_knows_the_release(place, webhook, trouble):
    webhook.answers = [trouble, trouble]

    accepted(place.run(*RELEASE))

    assert len(webhook.pushed) == 3
    assert len(webhook.known) == 1
    assert len({one.body for one in webhook.pushed}) == 1


def test_it_is_not_tried_more_often_than_set(either, webhook):
    webhook.answers = [503] * 9

    failed(either.run(*RELEASE, ARRPUSH_TRIES="4"), UNREACHABLE)

    assert len(webhook.heard) == 4


# --wait


@pytest.mark.parametrize("state", ["grabbed", "later"])
def test_waiting_ends_well_when_it_was_grabbed_or_will_be(place, webhook, state):
    webhook.states = ["waiting", "approved", state]

    accepted(place.run(*RELEASE, "--wait=60"), state)

    asked = webhook.heard[1:]
    assert [one.method for one in asked] == ["GET"] * 3
    assert asked[0].query == {"wait": "50"}
    assert all(0 < int(one.query["wait"]) <= 50 for one in asked)
    assert all(one.headers["x-api-key"] == TOKEN for one in asked)


def test_waiting_for_a_short_while_asks_with_just_that(either, webhook):
    accepted(either.run(*RELEASE, "--wait=1"), "grabbed")

    assert webhook.heard[1].query["wait"] in {"0", "1"}  # a second may end meanwhile


@pytest.mark.parametrize("state", ["rejected", "bad_payload", "refused", "expired", "ungrabbed"])
def test_waiting_ends_badly_when_it_is_not_grabbed(either, webhook, state):
    webhook.states = ["approved", state]

    message = failed(either.run(*RELEASE, "--wait"), REFUSED)

    assert f"{state}: Sonarr has rejected it: Unknown Series" in message


@pytest.mark.parametrize("state", ["waiting", "approved", "something_new"])
def test_waiting_that_runs_out_says_that_there_is_no_need_to_try_again(either, webhook, state):
    webhook.states = [state]

    assert "no need" in failed(either.run(*RELEASE, "--wait=0"), UNDER_WAY)


def test_a_known_release_that_has_ended_is_not_waited_for(either, webhook):
    webhook.answers = [(202, {"id": "0123456789abcdef", "state": "grabbed", "known": True})]

    accepted(either.run(*RELEASE, "--wait"), "grabbed")

    assert len(webhook.heard) == 1


@pytest.mark.parametrize("trouble", [503, Fault.DROP, Fault.CUT], ids=str)
def test_waiting_goes_on_through_trouble(place, webhook, trouble):
    accept = (202, {"id": "0123456789abcdef", "state": "waiting"})
    end = (200, {"id": "0123456789abcdef", "state": "grabbed"})
    webhook.answers = [accept, trouble, trouble, trouble, trouble, end]

    accepted(place.run(*RELEASE, "--wait=60"), "grabbed")


@pytest.mark.parametrize(("status", "code"), [(401, WRONG_TOKEN), (404, UNREACHABLE)])
def test_waiting_ends_when_the_release_cannot_be_asked_for(place, webhook, status, code):
    webhook.answers = [(202, {"id": "0123456789abcdef", "state": "waiting"}), status]

    failed(place.run(*RELEASE, "--wait=60"), code)


# Secrets, and what is left behind


def watched(place, webhook, *arguments, **environ):
    """Run, and return all command lines there were while the service was asked."""
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("this system has no /proc in which command lines could be seen")
    lines = []
    webhook.meanwhile = lambda: lines.extend(command_lines(place.folder))
    accepted(place.run(*arguments, **environ), "grabbed" if "--wait" in arguments else "waiting")
    return b"\n".join(lines)


@pytest.mark.parametrize("machine", [CURL, WGET, PYTHON], ids=str)
def test_no_command_line_has_a_secret(tmp_path, webhook, machine):
    place = on(machine, tmp_path, webhook)
    url = webhook.url.replace("://", f"://me:{PASSKEY}@")

    lines = watched(place, webhook, "--wait", ARRPUSH_URL=url, TorrentUrl=URL, MagnetURI=MAGNET)

    assert str(place.script).encode() in lines or machine is PYTHON
    assert f":{webhook.port}/arrpush".encode() in lines or machine is PYTHON
    basic = base64.b64encode(f"me:{PASSKEY}".encode()).decode()
    assert not [secret for secret in (*SECRETS, basic) if secret.encode() in lines]


def test_the_wget_of_busybox_shows_the_token_and_nothing_else(tmp_path, webhook):
    place = on(BUSYBOX, tmp_path, webhook)

    lines = watched(place, webhook, "--wait", TorrentUrl=URL, MagnetURI=MAGNET)

    assert TOKEN.encode() in lines
    assert PASSKEY.encode() not in lines


def test_the_files_of_a_run_are_for_this_user_only_and_gone_afterwards(place, webhook):
    seen = []

    def look():
        paths = list(place.temporary.rglob("*"))
        seen.extend((path.name, path.stat().st_mode & 0o077) for path in paths)

    webhook.meanwhile = look
    accepted(place.run(*RELEASE, "--path", str(place.write("1.torrent", b"d4:infodee"))))

    assert seen or place.machine.pythons
    assert not [name for name, others in seen if others]


@pytest.mark.parametrize(
    ("machine", "end"),
    [(one, signal.SIGTERM) for one in MACHINES] + [(CURL, signal.SIGINT), (CURL, signal.SIGHUP)],
    ids=str,
)
def test_a_signal_ends_it_at_once_and_nothing_is_left(tmp_path, webhook, machine, end):
    place = on(machine, tmp_path, webhook)
    path = place.write("1.torrent", b"d4:infodee")
    webhook.answers = [Fault.HANG]
    with place.start(*RELEASE, "--path", str(path)) as process:
        webhook.wait_for(questions=1)
        process.send_signal(end)
        status = process.wait(20)

        assert status in {128 + end, -end}
        assert place.left_behind() == []
        wait_until_alone(place.folder)


def test_a_signal_during_a_pause_ends_it_at_once(tmp_path, webhook):
    place = on(CURL, tmp_path, webhook)
    webhook.answers = [503]
    with place.start(*RELEASE, ARRPUSH_PAUSE="9999") as process:
        webhook.wait_for(questions=1)
        process.terminate()

        assert process.wait(20) == 128 + signal.SIGTERM
        assert place.left_behind() == []


def test_without_room_for_its_files_it_says_so(tmp_path, webhook):
    place = on(CURL, tmp_path, webhook)

    message = failed(place.run(*RELEASE, TMPDIR="/nowhere"), BROKEN)

    assert "TMPDIR" in message


# What a machine lacks


def test_a_machine_with_nothing_is_told_what_is_missing(tmp_path, webhook):
    message = failed(on(NOTHING, tmp_path, webhook).run(*RELEASE), BROKEN)

    assert re.search(r"missing here: awk, .*, wc, curl or wget; or python3", message)


@pytest.mark.parametrize("tool", SMALL)
def test_each_tool_that_is_missing_is_named(tmp_path, webhook, tool):
    tools = (*(one for one in SMALL if one != tool), "curl")

    message = failed(on(Machine("", tools=tools), tmp_path, webhook).run(*RELEASE), BROKEN)

    assert f"missing here: {tool}; or python3" in message


def test_python_takes_over_where_one_tool_is_missing(tmp_path, webhook):
    machine = Machine("", tools=("curl", *SMALL[1:]), pythons=("python3",))

    accepted(on(machine, tmp_path, webhook).run(*RELEASE))

    assert "curl" not in webhook.heard[0].headers.get("user-agent", "")


def test_curl_comes_before_wget(tmp_path, webhook):
    machine = Machine("", tools=(*SMALL, "curl", "wget"), pythons=("python3",))

    accepted(on(machine, tmp_path, webhook).run(*RELEASE))

    assert webhook.heard[0].headers["user-agent"].startswith("curl/")


def test_a_wget_that_nobody_knows_is_not_used(tmp_path, webhook):
    place = on(Machine("", tools=SMALL), tmp_path, webhook)
    wget = place.path / "wget"
    wget.write_text("#!/bin/sh\nexit 0\n")
    wget.chmod(0o755)

    assert "a wget that sends files" in failed(place.run(*RELEASE), BROKEN)


def test_the_wget_of_busybox_is_not_used_for_https(tmp_path):
    place = on(BUSYBOX, tmp_path)

    message = failed(place.run(*RELEASE, ARRPUSH_URL="https://127.0.0.1:1"), BROKEN)

    assert "certificates" in message


def test_a_script_on_its_own_does_without_python_or_says_what_is_missing(tmp_path, webhook):
    place = on(PYTHON, tmp_path, webhook)
    (place.package / "__main__.py").unlink()

    assert "the folder arrpush" in failed(place.run(*RELEASE), BROKEN)


def test_a_python_that_is_too_old_is_not_used(tmp_path, webhook):
    place = on(NOTHING, tmp_path, webhook)
    python = place.path / "python3"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)

    assert "from 3.8 on" in failed(place.run(*RELEASE), BROKEN)


def test_the_oldest_python_will_do(tmp_path, webhook):
    place = on(OLD_PYTHON, tmp_path, webhook)
    path = place.write("1.torrent", b"d4:infodee")
    file = place.write("one.env", f"ARRPUSH_URL={webhook.url}".encode())

    accepted(place.run(*RELEASE, "--path", str(path), "--wait", ARRPUSH_ENV=str(file)), "grabbed")
    failed(place.run(*RELEASE, ARRPUSH_TOKEN="another"), WRONG_TOKEN)
    failed(place.run("word"), BAD_INPUT)


def test_the_folder_it_is_run_in_lends_python_no_modules(tmp_path, webhook):
    place = on(PYTHON, tmp_path, webhook)
    (place.work / "json.py").write_text("raise SystemExit(77)")

    accepted(place.run(*RELEASE))


# The help


def test_the_help_needs_no_tool_and_tells_everything(tmp_path):
    ran = on(NOTHING, tmp_path).run("--help")

    assert (ran.status, ran.err) == (0, "")
    script = (ROOT / "arrpush" / "arr_push_v5.sh").read_text()
    for known in re.findall(r"^    (--[a-z-]+) \| (\w+)\)", script, re.MULTILINE):
        assert all(name in ran.out for name in known)
    for setting in re.findall(r"ARRPUSH_[A-Z_]+", script):
        assert setting in ran.out
    for status in range(7):
        assert re.search(rf"^  {status}  \w", ran.out, re.MULTILINE)


def test_python_prints_the_same_help(tmp_path):
    place = on(PYTHON, tmp_path)

    ran = subprocess.run(
        [place.path / "python3", "-m", "arrpush", "--help"],
        env=place.environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout == place.run("--help").out


def test_the_line_for_autobrr_is_one_that_the_script_takes(either, webhook):
    line = next(line for line in either.run("--help").out.splitlines() if "{{" in line)
    path = either.write("1.torrent", b"d4:infodee")
    macros = {"TorrentName": 'A "Show"', "TorrentPathName": str(path), "TorrentHash": "", "Size": 7}
    words = re.findall(r"--[a-z-]+|\{\{ \.\w+(?: \| quote)? \}\}", line)
    assert " ".join(words) == line.strip().replace("auto ", "", 1)
    names = [re.sub(r"\W|quote", "", word) if "{{" in word else word for word in words]
    values = [str(macros.get(name, "x")) if "-" not in name else name for name in names]

    accepted(either.run(values[0], "auto", *values[1:]))

    assert webhook.heard[0].torrent == b"d4:infodee"
    assert webhook.heard[0].json["ReleaseName"] == 'A "Show"'
    assert webhook.heard[0].json["Size"] == "7"


# The code


def test_the_module_is_python_3_8():
    source = (ROOT / "arrpush" / "__main__.py").read_text()

    ast.parse(source, feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [node.names[0].name])
    }
    assert imported <= sys.stdlib_module_names


@pytest.mark.parametrize("shell", [("dash",), ("busybox", "ash"), ("bash", "--posix")], ids=str)
def test_each_shell_can_read_the_script(shell):
    script = str(ROOT / "arrpush" / "arr_push_v5.sh")

    subprocess.run([needed(shell[0]), *shell[1:], "-n", script], check=True)


def test_shellcheck_finds_nothing():
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed on this machine")
    script = str(ROOT / "arrpush" / "arr_push_v5.sh")

    subprocess.run(["shellcheck", "--shell=sh", "--severity=warning", script], check=True)
