"""`python3 -m arrpush`: hands one release to the service, as `arr_push_v5.sh` beside it does.

Rules
    Options, settings, messages and exit statuses are the script's; its `--help` is printed here
    too. The script hands over to this where it finds no curl or wget.

    It is a program of its own for a machine where nothing is installed: the standard library of
    Python 3.8 has to do, and nothing else of ours is imported.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import http.client
import json
import math
import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, NoReturn
from urllib.parse import unquote_to_bytes

DONE = 0
"""Exit status: accepted; with --wait, grabbed now or later. The script's `--help` explains all."""
BROKEN = 1
BAD_INPUT = 2
UNREACHABLE = 3
REFUSED = 4
WRONG_TOKEN = 5
UNDER_WAY = 6
INTERRUPTED = 130

LARGEST_TORRENT = 10 << 20
"""Bytes; in base64 that is nearly what the service takes in one request."""
LARGEST_PORT = 65535
LONGEST_ANSWER = 64 << 10
"""Bytes of an answer that are looked at."""
LONGEST_SENTENCE = 500
"""Characters of one that the service says."""
LONG_QUESTION = 50
"""Seconds the service may take to tell how a release ended."""
USUAL_PATIENCE = 120
"""Seconds of a --wait that does not say how long."""

NAMES = {
    "--target": "Target",
    "--name": "ReleaseName",
    "--url": "TorrentUrl",
    "--path": "TorrentPath",
    "--magnet": "MagnetURI",
    "--hash": "TorrentHash",
    "--size": "Size",
    "--indexer": "Indexers",
    "--info-url": "InfoUrl",
    "--type": "Type",
}
"""Each option, and what it is called in the environment and in the request."""
SENT = [name for name in NAMES.values() if name not in {"Target", "TorrentPath"}]

DEFAULTS = {
    "ARRPUSH_URL": "http://127.0.0.1:6500",
    "ARRPUSH_TOKEN": "",
    "ARRPUSH_TOKEN_FILE": "",
    "ARRPUSH_TIMEOUT": "30",
    "ARRPUSH_TRIES": "3",
    "ARRPUSH_PAUSE": "2",
}
TOKENS = ("ARRPUSH_TOKEN", "ARRPUSH_TOKEN_FILE")

WELL = {"grabbed", "later"}
BADLY = {"rejected", "bad_payload", "refused", "expired", "ungrabbed"}

HERE = Path(__file__).parent

_NUMBER = re.compile(r"0|[1-9][0-9]{0,3}")
_VISIBLE = re.compile(r"[!-~]*")
_WORD = re.compile(r"[0-9A-Za-z_-]+")
_URL = re.compile(r"(https?)://([^/]*@)?([^/]*?)(/.*?)?/*")
_HOST = re.compile(r"(\[[^\]]*\]|[^:]+)(?::([0-9]{1,5}))?")
_NO_URL = re.compile(r"[^]a-zA-Z0-9._~:/%[-]")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
_LINK = re.compile(r"[A-Za-z]+://[^ ]*|magnet:[^ ]*", re.IGNORECASE)
_LATIN = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
_USAGE = re.compile(r"^usage\(\) \{\n +printf '%s\\n' '(.*?)'\n\}", re.DOTALL | re.MULTILINE)


class Stop(Exception):
    """The end, with an exit status and the sentence that says why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence


class Help(Exception):
    """The help is wanted, and nothing else."""


class Address(NamedTuple):
    """Where the service is."""

    secure: bool
    host: str
    port: int | None
    prefix: str
    login: str
    """As in `user:password`, still with percent signs; a secret."""


class Settings(NamedTuple):
    """How the service is asked."""

    address: Address
    token: str
    timeout: int
    """Seconds for one question."""
    tries: int
    pause: int
    """Seconds before it is asked again."""


class Answer(NamedTuple):
    """What the service answered; status 0 stands for nothing, and `why` says why."""

    status: int
    body: bytes = b""
    why: str = ""

    def worth_another_try(self) -> bool:
        """Tell whether it may go better the next time."""
        return self.status in {0, 408, 429} or 500 <= self.status < 600

    def text(self, name: str) -> str:
        """Return a text of the answer, in one line, without links; "" when it has none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return ""
        value = found.get(name) if isinstance(found, dict) else None
        line = _CONTROLS.sub(" ", value) if isinstance(value, str) else ""
        return _LINK.sub("(link)", line[:LONGEST_SENTENCE])


class Service:
    """Asks the service. Proxies of the environment are not used, redirects not followed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._headers = {"Content-Type": "application/json"}
        self._secrets = [settings.token] if settings.token else []
        if settings.token:
            self._headers["X-Api-Key"] = settings.token
        login = settings.address.login
        if login:
            user, _, password = login.partition(":")
            pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
            basic = base64.b64encode(pair).decode()
            self._headers["Authorization"] = f"Basic {basic}"
            self._secrets.append(basic)

    def push(self, target: str, body: bytes) -> tuple[str, str]:
        """Return id and state of a release that was accepted. Raises Stop."""
        answer = self._ask("POST", f"/arrpush?target={target}", self._settings.timeout, body)
        for _ in range(1, self._settings.tries):
            if not answer.worth_another_try():
                break
            time.sleep(self._settings.pause)
            answer = self._ask("POST", f"/arrpush?target={target}", self._settings.timeout, body)
        name, state = answer.text("id"), answer.text("state")
        if answer.status != 202 or not _WORD.fullmatch(name) or not _WORD.fullmatch(state):
            self._explain(answer)
        note = self._said(answer, "note")
        if note:
            _complain(f"warning: accepted, but{note}")
        return name, state

    def follow(self, name: str, state: str, patience: int) -> str:
        """Return the state in which a release ended well. Raises Stop for every other end."""
        deadline = time.monotonic() + patience
        while state not in WELL:
            left = max(math.ceil(deadline - time.monotonic()), 0)
            long = min(left, LONG_QUESTION)
            question = f"/arrpush/{name}?wait={long}"
            answer = self._ask("GET", question, long + self._settings.timeout)
            if answer.status == 200:
                state = answer.text("state")
            elif not answer.worth_another_try():
                self._explain(answer)
            if state in BADLY:
                raise Stop(REFUSED, f"{name} {state}{self._said(answer, 'said')}")
            if state not in WELL and not left:
                sentence = f"accepted as {name}, which is still under way: no need to try again"
                raise Stop(UNDER_WAY, sentence)
            if state not in WELL:
                time.sleep(self._settings.pause)
        return state

    def _ask(self, method: str, path: str, timeout: int, body: bytes | None = None) -> Answer:
        address = self._settings.address
        kind = http.client.HTTPSConnection if address.secure else http.client.HTTPConnection
        connection = kind(address.host, address.port, timeout=timeout)
        try:
            with contextlib.suppress(BrokenPipeError):  # it may answer before it has heard all
                connection.request(method, address.prefix + path, body, self._headers)
            answer = connection.getresponse()
            return Answer(answer.status, _whole(answer))
        except (OSError, UnicodeError, http.client.HTTPException) as problem:
            return Answer(0, why=type(problem).__name__)
        finally:
            connection.close()

    def _explain(self, answer: Answer) -> NoReturn:
        """Say why an answer is not the one that was hoped for."""
        status = answer.status
        said = self._said(answer, "error") or ": its log says why"
        if not status:
            why = f"the service cannot be reached, or takes too long (python3: {answer.why})"
            raise Stop(UNREACHABLE, why)
        if status in {400, 413}:
            raise Stop(BAD_INPUT, f"the service does not accept this (HTTP {status}){said}")
        if status == 401:
            raise Stop(WRONG_TOKEN, "the service does not accept the token (HTTP 401)")
        if answer.worth_another_try():
            raise Stop(UNREACHABLE, f"the service has trouble (HTTP {status}){said}")
        why = f"what answers at ARRPUSH_URL is not the service (HTTP {status})"
        raise Stop(UNREACHABLE, why)

    def _said(self, answer: Answer, name: str) -> str:
        text = answer.text(name)
        shown = text and not any(secret in text for secret in self._secrets)
        return f": {text}" if shown else ""


def _whole(answer: http.client.HTTPResponse) -> bytes:
    """Return the bytes of an answer. Raises IncompleteRead when it broke off."""
    body = answer.read(LONGEST_ANSWER)
    if answer.length and len(body) < LONGEST_ANSWER:
        raise http.client.IncompleteRead(body, answer.length)
    return body


def read_arguments(arguments: list[str]) -> tuple[dict[str, str], int | None]:
    """Return what was given, and the seconds to wait; None for not at all.

    Raises Stop and Help.
    """
    values: dict[str, str] = {}
    patience = None
    rest = list(enumerate(arguments, 1))
    while rest:
        position, argument = rest.pop(0)
        option, equals, value = argument.partition("=")
        if argument in {"--help", "-h"}:
            raise Help
        if argument == "--wait":
            patience = USUAL_PATIENCE
        elif option == "--wait":
            patience = _number(value, 0, "--wait is no number of seconds up to 9999")
        elif not equals and argument.startswith("--"):
            if not rest:
                raise Stop(BAD_INPUT, f"argument {position} has no value; see --help")
            _take(values, argument, rest.pop(0)[1], position)
        elif not equals:
            raise Stop(BAD_INPUT, f"argument {position} is not known; see --help")
        else:
            _take(values, option, value, position)
    return values, patience


def _take(values: dict[str, str], name: str, value: str, position: int) -> None:
    known = NAMES.get(name, name)
    if known not in NAMES.values():
        raise Stop(BAD_INPUT, f"argument {position} is not known; see --help")
    values[known] = value


def complete(given: dict[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return what was given, with what the environment adds. Raises Stop."""
    values = {name: given.get(name) or environ.get(name, "") for name in NAMES.values()}
    values["Target"] = values["Target"] or "auto"
    if values["Target"] not in {"sonarr", "radarr", "auto"}:
        raise Stop(BAD_INPUT, "the target is none of sonarr, radarr and auto")
    if not values["ReleaseName"] and not values["TorrentPath"] and not _elsewhere(values):
        advice = "give a name, a path, a URL, a magnet or a hash; see --help"
        raise Stop(BAD_INPUT, f"no release: {advice}")
    return values


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings of the environment and of the file of settings. Raises Stop."""
    known = {name: environ[name] for name in DEFAULTS if environ.get(name)}
    file = environ.get("ARRPUSH_ENV") or str(HERE / "arr_push_v5.env")
    if environ.get("ARRPUSH_ENV") or Path(file).exists():
        for name, value in _settings_of(file).items():
            if name not in known and (name not in TOKENS or not set(TOKENS) & set(known)):
                known[name] = value
    known = {**DEFAULTS, **known}
    no_seconds = "is no number of seconds from 1 to 9999"
    timeout = _number(known["ARRPUSH_TIMEOUT"], 1, f"ARRPUSH_TIMEOUT {no_seconds}")
    tries = _number(known["ARRPUSH_TRIES"], 1, "ARRPUSH_TRIES is no number from 1 to 9999")
    pause = known["ARRPUSH_PAUSE"]
    seconds = _number(pause, 0, "ARRPUSH_PAUSE is no number of seconds up to 9999")
    token = _token(known)
    return Settings(read_address(known["ARRPUSH_URL"]), token, timeout, tries, seconds)


def _settings_of(file: str) -> dict[str, str]:
    """Return what a file of settings sets: of each name what comes first."""
    try:
        text = Path(file).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        raise Stop(BAD_INPUT, "the file of settings cannot be read") from None
    found: dict[str, str] = {}
    for line in text.split("\n"):
        name, _, value = line.rstrip("\r").partition("=")
        if value[:1] in {'"', "'"} and value[:1] == value[-1:] and len(value) > 1:
            value = value[1:-1]
        if name in DEFAULTS and value:
            found.setdefault(name, value)
    return found


def _number(text: str, least: int, otherwise: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) < least:
        raise Stop(BAD_INPUT, otherwise)
    return int(text)


def _token(known: dict[str, str]) -> str:
    token, file = (known[name] for name in TOKENS)
    if token and file:
        raise Stop(BAD_INPUT, "ARRPUSH_TOKEN and ARRPUSH_TOKEN_FILE are both set")
    if file:
        try:
            text = Path(file).read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            raise Stop(BAD_INPUT, "ARRPUSH_TOKEN_FILE cannot be read") from None
        token = text.split("\n", 1)[0].rstrip("\r")
        if not token:
            raise Stop(BAD_INPUT, "the first line of ARRPUSH_TOKEN_FILE is empty")
    if not _VISIBLE.fullmatch(token):
        raise Stop(BAD_INPUT, "the token has characters that no token has")
    return token


def read_address(url: str) -> Address:
    """Return where the service is. Raises Stop."""
    parts = _URL.fullmatch(url)
    if not parts:
        raise Stop(BAD_INPUT, "ARRPUSH_URL is no http or https URL")
    scheme, login, rest, path = (part or "" for part in parts.groups())
    if "?" in rest + path or "#" in rest + path:
        raise Stop(BAD_INPUT, "ARRPUSH_URL has a query; the token goes into ARRPUSH_TOKEN")
    if _NO_URL.search(rest + path) or not _VISIBLE.fullmatch(login):
        raise Stop(BAD_INPUT, "ARRPUSH_URL has characters that no URL has")
    if not rest or rest.startswith(":"):
        raise Stop(BAD_INPUT, "ARRPUSH_URL has no host")
    host = _HOST.fullmatch(rest)
    if not host:
        raise Stop(BAD_INPUT, "the port of ARRPUSH_URL is no number")
    prefix = re.sub(r"/arrpush\Z", "", path)
    port = int(host[2]) if host[2] else None
    if port is not None and port > LARGEST_PORT:
        raise Stop(BAD_INPUT, "the port of ARRPUSH_URL is no number")
    return Address(scheme == "https", host[1].strip("[]"), port, prefix, login[:-1])


def write_body(values: dict[str, str]) -> bytes:
    """Return the request: what is known of the release, with the bytes of its .torrent."""
    members = {name: _utf8(values[name]) for name in SENT if values[name]}
    torrent = _torrent(values)
    if torrent:
        members["TorrentDataRawBytes"] = binascii.b2a_base64(torrent, newline=False).decode()
    return json.dumps(members).encode()


def _utf8(text: str) -> str:
    """Return a text of the command line; a byte that is no UTF-8 is taken for Latin-1."""
    return os.fsencode(text).decode("utf-8", "surrogateescape").translate(_LATIN)


def _elsewhere(values: dict[str, str]) -> bool:
    return any(values[name] for name in ("TorrentUrl", "MagnetURI", "TorrentHash"))


def _torrent(values: dict[str, str]) -> bytes:
    """Return the .torrent; b"" without one. Raises Stop when there is nothing else."""
    if not values["TorrentPath"]:
        return b""
    try:
        return _read(Path(values["TorrentPath"]))
    except ValueError as problem:
        if not _elsewhere(values):
            raise Stop(BAD_INPUT, f"the .torrent cannot be used: {problem}") from None
        _complain(f"warning: goes on without the .torrent: {problem}")
        return b""


def _read(path: Path) -> bytes:
    """Return the bytes of a .torrent. Raises ValueError, which says what is wrong with it."""
    try:
        if not path.is_file():
            raise ValueError("there is no such file")
        with path.open("rb") as file:
            data = file.read(LARGEST_TORRENT + 1)
    except OSError:
        raise ValueError("it cannot be read") from None
    if not data:
        raise ValueError("it is empty")
    if len(data) > LARGEST_TORRENT:
        raise ValueError(f"it has more than {LARGEST_TORRENT} bytes")
    return data


def usage() -> str:
    """Return the help, which is the script's."""
    try:
        found = _USAGE.search((HERE / "arr_push_v5.sh").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found[1] if found else "The help is in arr_push_v5.sh, which is missing here."


def push(arguments: list[str], environ: Mapping[str, str]) -> str:
    """Hand over one release and return the line that tells of it. Raises Stop and Help."""
    given, patience = read_arguments(arguments)
    values = complete(given, environ)
    settings = read_settings(environ)
    if settings.address.secure and not hasattr(http.client, "HTTPSConnection"):
        raise Stop(BROKEN, "missing here: the module ssl of python3, which https needs")
    service = Service(settings)
    name, state = service.push(values["Target"], write_body(values))
    if patience is not None:
        state = service.follow(name, state, patience)
    return f"{name} {state}"


def _complain(sentence: str) -> None:
    sys.stderr.write(f"arr_push_v5: {sentence}\n")


def main() -> int:
    """Run the program and return its exit status."""
    try:
        line = push(sys.argv[1:], os.environ)
    except Help:
        line = usage()
    except Stop as end:
        _complain(end.sentence)
        return end.status
    except KeyboardInterrupt:
        return INTERRUPTED
    sys.stdout.write(f"{line}\n")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
