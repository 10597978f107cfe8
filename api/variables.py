"""Every environment variable of the service: the table from which all else follows.

Parsing, `--print-config` and the README's table of settings come from `TABLE`.
"""

from typing import Any

import msgspec

from api import kinds

MASK = "********"
"""Stands where a secret would."""

_ARIA2 = "it belonged to aria2, which is not used"
_LATER = "not available in this version"


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table."""

    name: str
    kind: kinds.Kind
    default: str = ""
    """As it would be written in the environment; empty for none."""
    local: str = ""
    """The default with `serve --local`, where it differs."""
    meaning: str
    """What it does, in a line."""
    no_effect: str = ""
    """Why setting it changes nothing; empty for those that count."""
    field: str = ""
    """Its field in `Settings`, where that is not its name in lower case."""
    secret: bool = False

    def shown(self, value: Any) -> str:
        """Return `value` as it may be seen."""
        return MASK if self.secret and value else self.kind.show(value)


TABLE: tuple[Variable, ...] = (
    Variable(
        name="ALLDEBRID_API_KEY",
        kind=kinds.api_key("alldebrid.com/apikeys"),
        secret=True,
        meaning="API key of the AllDebrid account. Without one a simulated AllDebrid is used.",
    ),
    Variable(
        name="ALLDEBRID_API_URL",
        kind=kinds.base_url(),
        default="https://api.alldebrid.com",
        meaning="Where AllDebrid's API is, so that another server can stand in.",
    ),
    Variable(
        name="ALLDEBRID_DELETE_MAGNETS",
        kind=kinds.switch(),
        default="true",
        meaning="Delete a magnet from the account once its files are here and verified.",
    ),
    Variable(
        name="CONFIG_DIR",
        kind=kinds.folder(),
        default="/config",
        local="./data/config",
        meaning="Folder of the database.",
    ),
    Variable(
        name="DOWNLOAD_DIR",
        kind=kinds.folder(),
        default="/downloads",
        local="./data/downloads",
        meaning="Folder of the downloads; finished ones are in `complete/<category>/` below it.",
    ),
    Variable(
        name="HOST",
        kind=kinds.host(),
        default="0.0.0.0",  # noqa: S104 - a container's service listens on all its addresses
        local="127.0.0.1",
        meaning="Address to listen on.",
    ),
    Variable(
        name="PORT",
        kind=kinds.whole(0, 65535, " (0: any free port)"),
        default="6500",
        meaning="Port of the qBittorrent API.",
    ),
    Variable(
        name="API_USERNAME",
        kind=kinds.line_of_text(),
        field="login",
        meaning="User name that Sonarr and Radarr must give. Not set: no login is asked for.",
    ),
    Variable(
        name="API_PASSWORD",
        kind=kinds.line_of_text(),
        secret=True,
        field="login",
        meaning="Password that goes with API_USERNAME; set both or none.",
    ),
    Variable(
        name="API_SESSION_TIMEOUT",
        kind=kinds.whole(0, 31_536_000, " seconds (0: never)"),
        default="3600",
        meaning="When a login is over that nobody used.",
    ),
    Variable(
        name="API_MAX_FAILED_LOGINS",
        kind=kinds.whole(0, 1000, " (0: any number)"),
        default="5",
        meaning="Failed logins after which an address is banned. One that succeeds forgets them.",
    ),
    Variable(
        name="API_BAN_DURATION",
        kind=kinds.whole(0, 31_536_000, " seconds (0: no bans)"),
        default="3600",
        meaning="How long a banned address cannot log in.",
    ),
    Variable(
        name="API_HOSTS",
        kind=kinds.host_names(),
        meaning="Names this service is reached by. Needed only where browsers use a public name,"
        " such as a reverse proxy's, and no login is set. IP addresses, `localhost`, names without"
        " dots and those ending in `.local`, `.lan`, `.home.arpa`, `.internal` and the like always"
        " work; once this is set, other names do not.",
    ),
    Variable(
        name="API_TRUSTED_PROXIES",
        kind=kinds.networks(),
        meaning="Reverse proxies whose X-Forwarded-For tells who failed to log in. Not set: it is"
        " whoever connects.",
    ),
    Variable(
        name="API_MAX_UPLOAD",
        kind=kinds.size("1M", "1G"),
        default="10M",
        meaning="Most bytes of one request, so of the .torrent files that are added at once.",
    ),
    Variable(
        name="SONARR_URL",
        kind=kinds.program_url(),
        meaning="Where Sonarr is, such as `http://sonarr:8989`. With the key it is told at once how"
        " downloads ended.",
    ),
    Variable(
        name="SONARR_API_KEY",
        kind=kinds.api_key("Sonarr's settings (General)"),
        secret=True,
        meaning="API key of Sonarr; set it and SONARR_URL, or none of both.",
    ),
    Variable(
        name="RADARR_URL",
        kind=kinds.program_url(),
        meaning="Where Radarr is, such as `http://radarr:7878`; as for Sonarr.",
    ),
    Variable(
        name="RADARR_API_KEY",
        kind=kinds.api_key("Radarr's settings (General)"),
        secret=True,
        meaning="API key of Radarr; set it and RADARR_URL, or none of both.",
    ),
    Variable(
        name="ARR_HANDOVER",
        kind=kinds.switch(),
        default="true",
        meaning="Tell Sonarr and Radarr, where they are set, to import what is finished and to"
        " blocklist and search again what has failed. `false`: they find out what they can.",
    ),
    Variable(
        name="ARRPUSH_TOKEN",
        kind=kinds.token(),
        secret=True,
        meaning="What Autobrr must give to announce releases. Not set: one is made up at the first"
        " start, printed that one time and kept in `CONFIG_DIR/arrpush.token`; where only this"
        " machine can connect, none is asked for.",
    ),
    Variable(
        name="ARRPUSH_URL",
        kind=kinds.own_url(),
        meaning="Where Sonarr and Radarr reach this service, such as `http://alldebrid:6500`. Not"
        " set: the address by which they ask it for their torrents, else the one that the"
        " announcement came by.",
    ),
    Variable(
        name="ARRPUSH_DOWNLOAD_CLIENT",
        kind=kinds.line_of_text(),
        default="alldebrid-client",
        meaning="Name of this service among the download clients of Sonarr and Radarr, so that no"
        " other client gets what is announced here. A name they do not know counts for nothing.",
    ),
    Variable(
        name="ARRPUSH_TORRENT_DIRS",
        kind=kinds.folders(),
        meaning="Folders whose .torrent files an announcement may name (`TorrentPath`).",
    ),
    Variable(
        name="ARRPUSH_LOG",
        kind=kinds.folder(),
        default="/scripts/log/arr_push_v5.log",
        local="./data/config/log/arr_push_v5.log",
        meaning="Log of the attempts to push releases. Where it cannot be written, it is"
        " `CONFIG_DIR/log/arr_push_v5.log`.",
    ),
    Variable(
        name="ARRPUSH_RETRY_HOURS",
        kind=kinds.whole(1, 8760),
        default="48",
        meaning="Hours for which a release is pushed again while its program is down.",
    ),
    Variable(
        name="ARRPUSH_KEEP_DAYS",
        kind=kinds.whole(1, 3650),
        default="90",
        meaning="Days for which names and infohashes of releases are remembered.",
    ),
    Variable(
        name="ARRPUSH_KEEP_RELEASES",
        kind=kinds.whole(100, 1_000_000),
        default="10000",
        meaning="Most releases that are remembered.",
    ),
    Variable(
        name="ARRPUSH_TORRENT_DAYS",
        kind=kinds.whole(1, 365),
        default="7",
        meaning="Days for which a .torrent that came with an announcement is kept, and for which"
        " Sonarr and Radarr can fetch it here.",
    ),
    Variable(
        name="STORAGE_TYPE",
        kind=kinds.choice("auto", "hdd", "ssd"),
        default="auto",
        meaning="Kind of disk under DOWNLOAD_DIR. `auto` asks the kernel.",
    ),
    Variable(
        name="MAX_CONCURRENT_DOWNLOADS",
        kind=kinds.whole(1, 64),
        default="2",
        meaning="Torrents that download at the same time. Of small ones (below 5 GB) one more may,"
        " unless this is 1; on a spinning disk one of 20 GB or more downloads alone.",
    ),
    Variable(
        name="DOWNLOAD_LIMIT",
        kind=kinds.rate("1K", "2047M"),
        default="0",
        meaning="Most bytes a second over all downloads, such as `20M`. What a client of the API"
        " sets holds until this is changed.",
    ),
    Variable(
        name="ALTERNATIVE_DOWNLOAD_LIMIT",
        kind=kinds.rate("1K", "2047M"),
        default="1M",
        meaning="The same while a client has the alternative speed limits on.",
    ),
    Variable(
        name="ARIA2_CONNECTIONS",
        field="connections",
        kind=kinds.whole(1, 16),
        default="16",
        meaning="Most connections of one download; as many as help are used.",
    ),
    Variable(
        name="RAM_BUFFER_PER_DOWNLOAD",
        kind=kinds.size("8M", "64G"),
        default="512M",
        meaning="Most memory between line and disk for one download; used only while it helps.",
    ),
    Variable(
        name="WRITE_BATCH_SIZE",
        kind=kinds.size("1M", "32G"),
        default="64M",
        meaning="Most bytes that are written in one go; at most half of RAM_BUFFER_PER_DOWNLOAD.",
    ),
    Variable(
        name="FLUSH_INTERVAL",
        kind=kinds.seconds(0.1, 600),
        default="5",
        meaning="What was received is on disk after this many seconds at the latest.",
    ),
    Variable(
        name="FILE_ALLOCATION",
        kind=kinds.choice("prealloc", "falloc", "trunc", "none"),
        default="prealloc",
        meaning="`none`: do not reserve room for a file before it is written. Others: do.",
    ),
    Variable(
        name="SSL_CERT_FILE",
        kind=kinds.certificates(),
        meaning="Certificates to trust instead of the system's.",
    ),
    Variable(
        name="LOG_LEVEL",
        kind=kinds.choice("DEBUG", "INFO", "WARNING", "ERROR"),
        default="INFO",
        meaning="Least important messages that are logged.",
    ),
    Variable(
        name="ARIA2_SPLIT",
        kind=kinds.whole(1, 1000),
        default="1",
        meaning="Segments of a download.",
        no_effect=_ARIA2,
    ),
    Variable(
        name="ARIA2_DISK_CACHE",
        kind=kinds.size("0", "64G"),
        default="128M",
        meaning="Cache in front of the disk.",
        no_effect=f"{_ARIA2}; RAM_BUFFER_PER_DOWNLOAD is what counts",
    ),
    Variable(
        name="ENABLE_MMAP",
        kind=kinds.switch(),
        default="true",
        meaning="Write through memory maps.",
        no_effect=_ARIA2,
    ),
    Variable(
        name="ENABLE_DASHBOARD",
        kind=kinds.switch(),
        default="false",
        meaning="Web page to look at the service.",
        no_effect=_LATER,
    ),
    Variable(
        name="AUTO_EXTRACT",
        kind=kinds.switch(),
        default="false",
        meaning="Unpack .rar archives.",
        no_effect=_LATER,
    ),
)


_BY_NAME = {entry.name: entry for entry in TABLE}


def variable(name: str) -> Variable:
    """Return the line of the table for `name`."""
    return _BY_NAME[name]


def markdown_table() -> str:
    """Return the README's table."""
    lines = ["| Variable | Default | Accepted | What it does |", "|---|---|---|---|"]
    for entry in TABLE:
        name = f"`{entry.name}`"
        if entry.secret:
            name += f", `{entry.name}_FILE`"
        default = f"`{entry.default}`" if entry.default else ""
        if entry.local:
            default += f"; with `--local` `{entry.local}`"
        meaning = entry.meaning
        if entry.no_effect:
            meaning += f" *No effect:* {entry.no_effect}."
        lines.append(f"| {name} | {default} | {entry.kind.accepts} | {meaning} |")
    return "\n".join(lines)
