"""Settings: the one module that reads the environment and the files it names.

Rules
    `api.variables.TABLE` lists every variable; parsing and `--print-config` follow it.
    A variable that is set to nothing counts as not set.
    A secret may also be given as `NAME_FILE`, a file whose first line is the secret.
    What is said about a secret shows eight stars in its place, and never the content of its file.

`python -m api.settings` prints the README's table.
"""

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from api import kinds, memory
from api.logs import redact
from api.qbittorrent.login import Login
from api.qbittorrent.peers import Network
from api.sizes import format_size, human_size
from api.variables import MASK, TABLE, Variable, markdown_table, variable

SECRET_FILE_BYTES = 64 << 10
"""More than any key; a file that was named by mistake may be large."""

SHOWN_CHARACTERS = 80
"""A bad value is repeated in its message up to this length."""


PAIRS = (
    (("API_USERNAME", "API_PASSWORD"), "for a login", "for no login"),
    (("SONARR_URL", "SONARR_API_KEY"), "to tell Sonarr", "to tell it nothing"),
    (("RADARR_URL", "RADARR_API_KEY"), "to tell Radarr", "to tell it nothing"),
)
"""Variables that need each other, what both are for, and what none of them means."""


class SettingsError(Exception):
    """Settings that are not acceptable; `problems` has one line for each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class InForce(msgspec.Struct, frozen=True):
    """One setting as it may be shown."""

    name: str
    text: str
    """The value in force; eight stars for a secret."""
    origin: str
    """`environment`, `file /path`, `default`, and why the value is another than given."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What is in force. Its repr() shows no secret."""

    alldebrid_api_key: str
    """Empty: no key."""
    alldebrid_api_key_file: Path | None
    """Where the key was read from, to read it again when it stops working; None: environment."""
    alldebrid_api_url: str
    """Without a slash at the end and without the API's version."""
    alldebrid_delete_magnets: bool
    config_dir: Path
    """Absolute, may not exist; so is `download_dir`."""
    download_dir: Path
    host: str
    port: int
    login: Login
    """Does not know the password in clear."""
    api_session_timeout: int
    """Seconds, 0 for never; so are `api_ban_duration` and, as a number, `api_max_failed_logins`."""
    api_max_failed_logins: int
    api_ban_duration: int
    api_hosts: tuple[str, ...]
    """Lower case, `*.name` for all below a name, `*` for any."""
    api_trusted_proxies: tuple[Network, ...]
    api_max_upload: int
    """Bytes."""
    sonarr_url: str
    """Without a slash at the end; empty, with an empty key: no Sonarr. So are those of Radarr."""
    sonarr_api_key: str
    sonarr_api_key_file: Path | None
    """Where the key was read from; None: environment. So is that of Radarr."""
    radarr_url: str
    radarr_api_key: str
    radarr_api_key_file: Path | None
    arr_handover: bool
    arrpush_token: str
    """Empty: not set."""
    arrpush_url: str
    """Without a slash at the end; empty: not set."""
    arrpush_download_client: str
    arrpush_torrent_dirs: tuple[Path, ...]
    arrpush_log: Path
    arrpush_retry_hours: int
    arrpush_keep_days: int
    arrpush_keep_releases: int
    arrpush_torrent_days: int
    storage_type: str
    """`auto`, `hdd` or `ssd`."""
    max_concurrent_downloads: int
    download_limit: int
    """Bytes per second, 0 for none; so is `alternative_download_limit`."""
    alternative_download_limit: int
    connections: int
    """Most connections of one download."""
    ram_buffer_per_download: int
    """Bytes; so is `write_batch_size`, which is at most half of it."""
    write_batch_size: int
    flush_interval: float
    """Seconds."""
    file_allocation: str
    """`none`, or a word for "reserve room for a file before it is written"."""
    ssl_cert_file: Path | None
    log_level: str
    """A level of `logging`: DEBUG, INFO, WARNING or ERROR."""
    local: bool
    """True with `serve --local`."""
    in_force: tuple[InForce, ...]
    """Every variable of the table, in its order."""
    notes: tuple[str, ...]
    """One sentence for each thing that the user should know, to be logged once at start."""

    @property
    def preallocate(self) -> bool:
        """True when room for a file is reserved before it is written."""
        return self.file_allocation != "none"

    @property
    def ca_file(self) -> str | None:
        """Path of the certificates to trust, None for the system's."""
        return str(self.ssl_cert_file) if self.ssl_cert_file else None

    def __repr__(self) -> str:
        shown = ", ".join(f"{entry.name}={entry.text}" for entry in self.in_force)
        return f"<Settings {shown}>"


class TransferSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a single download needs; the fields are those of `Settings`."""

    connections: int
    ram_buffer_per_download: int
    write_batch_size: int
    flush_interval: float
    file_allocation: str
    ssl_cert_file: Path | None
    log_level: str
    """Empty when LOG_LEVEL is not set."""


TRANSFER_VARIABLES = (
    "ARIA2_CONNECTIONS",
    "RAM_BUFFER_PER_DOWNLOAD",
    "WRITE_BATCH_SIZE",
    "FLUSH_INTERVAL",
    "FILE_ALLOCATION",
    "SSL_CERT_FILE",
    "LOG_LEVEL",
)
"""What `load_transfer` reads."""


class _Found(msgspec.Struct, frozen=True):
    """A variable and its value, before it is known whether all of them go together."""

    variable: Variable
    value: Any
    origin: str
    given: bool
    path: Path | None = None

    def in_force(self) -> InForce:
        origin = f"{self.origin}, no effect" if self.variable.no_effect else self.origin
        return InForce(self.variable.name, self.variable.shown(self.value), origin)


def load(
    environ: Mapping[str, str] | None = None, *, local: bool = False, available: int | None = None
) -> Settings:
    """Return the settings of the service; raises SettingsError with all that is wrong.

    `environ` is the process's own by default, `available` the memory in bytes it may use.
    With `local` the folders are below the current one and only this machine can connect.
    """
    found = _read(os.environ if environ is None else environ, TABLE, local=local)
    found["WRITE_BATCH_SIZE"], lowered = _fit_batch(found)
    if problems := list(_halves(found)):
        raise SettingsError(problems)
    memory_note = _memory_note(found, memory.limit() if available is None else available)
    return Settings(
        **{**_values(found), "login": _login(found)},
        alldebrid_api_key_file=found["ALLDEBRID_API_KEY"].path,
        sonarr_api_key_file=found["SONARR_API_KEY"].path,
        radarr_api_key_file=found["RADARR_API_KEY"].path,
        local=local,
        in_force=tuple(entry.in_force() for entry in found.values()),
        notes=tuple(note for note in (*_no_effects(found), lowered, memory_note) if note),
    )


def forget_password() -> None:
    """Take the password out of this process's environment: what it starts does not inherit it."""
    os.environ.pop("API_PASSWORD", None)


def load_transfer(
    given: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
) -> TransferSettings:
    """Return what a single download needs; the other variables are not looked at.

    `given` goes before `environ` (the process's own by default). Raises SettingsError.
    """
    both = {**(os.environ if environ is None else environ), **(given or {})}
    found = _read(both, [variable(name) for name in TRANSFER_VARIABLES], local=False)
    found["WRITE_BATCH_SIZE"], _note = _fit_batch(found)
    level = found.pop("LOG_LEVEL")
    return TransferSettings(**_values(found), log_level=level.value if level.given else "")


def read_secret(name: str, path: Path) -> str:
    """Return the secret in the first line of a regular file, or of one that a link leads to.

    `name` is the variable without `_FILE`. Raises SettingsError, which names variable and path
    and nothing of what the file holds.
    """
    kind = variable(name).kind
    where = f"{name}_FILE={_quoted(str(path))}"
    try:
        data = _read_start(path)
        text = data.decode().partition("\n")[0].strip()
    except OSError as error:
        raise SettingsError([f"{where}: the file cannot be read ({error.strerror})"]) from None
    except ValueError:
        raise SettingsError([f"{where}: the file is not text"]) from None
    if not text:
        raise SettingsError([f"{where}: the first line of the file is empty"])
    try:
        return str(kind.parse(text))
    except kinds.BadValue as error:
        line = f"{where}: the first line {error}; accepted: {kind.accepts}"
        raise SettingsError([line]) from None


def print_config(settings: Settings) -> str:
    """Return what is in force, one `NAME=value  # origin` a line, secrets masked."""
    lines = [(f"{entry.name}={entry.text}", entry.origin) for entry in settings.in_force]
    width = max(len(left) for left, _origin in lines)
    return "\n".join(f"{left:<{width}}  # {origin}" for left, origin in lines)


def _read_start(path: Path) -> bytes:
    # A pipe without a writer would hold us up for ever, already when it is opened.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        return os.read(descriptor, SECRET_FILE_BYTES)
    finally:
        os.close(descriptor)


def _read(
    environ: Mapping[str, str], table: Iterable[Variable], *, local: bool
) -> dict[str, _Found]:
    found: dict[str, _Found] = {}
    problems: list[str] = []
    for entry in table:
        try:
            found[entry.name] = _find(environ, entry, local=local)
        except SettingsError as error:
            problems.extend(error.problems)
    if problems:
        raise SettingsError(problems)
    return found


def _find(environ: Mapping[str, str], entry: Variable, *, local: bool) -> _Found:
    name = entry.name
    text = environ.get(name, "").strip()
    file = environ.get(f"{name}_FILE", "").strip() if entry.secret else ""
    if text and file:
        raise SettingsError([f"{name} and {name}_FILE are both set; only one of them is accepted"])
    if file:
        path = Path(file).absolute()
        return _Found(entry, read_secret(name, path), f"file {path}", given=True, path=path)
    if text:
        return _Found(entry, _parsed(entry, text), "environment", given=True)
    if local and entry.local:
        value = entry.kind.parse(entry.local)
        return _Found(entry, value, "default with --local", given=False)
    value = entry.kind.parse(entry.default) if entry.default else entry.kind.empty
    return _Found(entry, value, "default", given=False)


def _parsed(entry: Variable, text: str) -> Any:
    try:
        return entry.kind.parse(text)
    except kinds.BadValue as error:
        shown = MASK if entry.secret else _quoted(text)
        line = f"{entry.name}={shown}: {error}; accepted: {entry.kind.accepts}"
        raise SettingsError([line]) from None


def _quoted(text: str) -> str:
    text = redact(text)
    if len(text) > SHOWN_CHARACTERS:
        text = text[:SHOWN_CHARACTERS] + "..."
    return ascii(text)


def _values(found: Mapping[str, _Found]) -> dict[str, Any]:
    return {
        entry.variable.field or name.lower(): entry.value
        for name, entry in found.items()
        if not entry.variable.no_effect
    }


def _fit_batch(found: Mapping[str, _Found]) -> tuple[_Found, str]:
    """Return the batch size, lowered to half the ring, and the note that says so.

    While one half is written, the other is there to receive into.
    """
    batch, ring = found["WRITE_BATCH_SIZE"], found["RAM_BUFFER_PER_DOWNLOAD"].value
    if batch.value <= ring // 2:
        return batch, ""
    fitting = format_size(ring // 2)
    origin = f"{batch.origin}, lowered to half of RAM_BUFFER_PER_DOWNLOAD"
    note = (
        f"WRITE_BATCH_SIZE={format_size(batch.value)} lowered to {fitting},"
        " half of RAM_BUFFER_PER_DOWNLOAD"
    )
    lowered = msgspec.structs.replace(batch, value=ring // 2, origin=origin)
    return lowered, note if batch.given else ""


def _halves(found: Mapping[str, _Found]) -> Iterator[str]:
    """Yield what is set without what it needs: half a login would look like protection."""
    for names, both, none in PAIRS:
        missing = [name for name in names if not found[name].value]
        if len(missing) == 1:
            (given,) = set(names) - set(missing)
            yield f"{given} is set and {missing[0]} is not; set both {both}, or none {none}"


def _login(found: Mapping[str, _Found]) -> Login:
    return Login.of(found["API_USERNAME"].value, found["API_PASSWORD"].value)


def _memory_note(found: Mapping[str, _Found], available: int) -> str:
    ring = found["RAM_BUFFER_PER_DOWNLOAD"].value
    count = found["MAX_CONCURRENT_DOWNLOADS"].value
    if not available or ring * count <= available:
        return ""
    return (
        f"RAM_BUFFER_PER_DOWNLOAD={format_size(ring)} x MAX_CONCURRENT_DOWNLOADS={count} may take"
        f" {human_size(ring * count)}, more than the {human_size(available)} of memory there is"
    )


def _no_effects(found: Mapping[str, _Found]) -> Iterator[str]:
    for name, entry in found.items():
        # A switch that is off gets what it asks for, so there is nothing to say.
        if entry.variable.no_effect and entry.given and entry.value is not False:
            shown = entry.variable.shown(entry.value)
            yield f"{name}={shown} has no effect: {entry.variable.no_effect}"


if __name__ == "__main__":
    print(markdown_table())  # noqa: T201 - a command that prints
