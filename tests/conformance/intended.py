"""The differences that are meant, each with its reason. API.md shows this table.

A row stands for every difference that fits it; `*` in a pattern is any text. A difference that no
row fits makes the run fail, and so does a row that no difference fits any more.
"""

import sys
from fnmatch import fnmatchcase

import msgspec

from tests.conformance.compare import Difference


class Intended(msgspec.Struct, frozen=True, kw_only=True):
    """One row: which differences, and why."""

    endpoint: str
    case: str = "*"
    what: str = "*"
    where: str = "*"
    real: str = "*"
    ours: str = "*"
    told: str
    """What differs, in words."""
    reason: str

    def fits(self, endpoint: str, case: str, difference: Difference) -> bool:
        """Return whether a difference is one of these."""
        return all(
            any(fnmatchcase(value, each) for each in pattern.split(" | "))
            for value, pattern in (
                (endpoint, self.endpoint),
                (case, self.case),
                (difference.what, self.what),
                (difference.where, self.where),
                (difference.real, self.real),
                (difference.ours, self.ours),
            )
        )


INTENDED: tuple[Intended, ...] = (
    # HTTP
    Intended(
        endpoint="*",
        case="PUT instead",
        told="400 without a body, and the connection is cut; 405 here",
        reason="qBittorrent's server does not know the method; 405 says what is wrong",
    ),
    Intended(
        endpoint="any",
        case="headers of an answer | headers of a refusal",
        what="header",
        where="content-security-policy | referrer-policy | x-*",
        told="sent; not sent here",
        reason="they tell browsers what the pages of a site may do, and there are no pages here",
    ),
    Intended(
        endpoint="any",
        case="HEAD",
        told="405; answered as GET here",
        reason="so HTTP wants it, and health checks send it",
    ),
    Intended(
        endpoint="any",
        case="a slash at the end",
        told="404; passed over here",
        reason="nothing else is at that address",
    ),
    Intended(
        endpoint="any",
        case="JSON as body | a broken multipart form",
        told="400 without a body, and the connection is cut; here the body says what is wrong",
        reason="whoever writes a program sees the reason",
    ),
    Intended(
        endpoint="any",
        case="a form without content type",
        told="400; read as a form here",
        reason="scripts leave it out, and it can be nothing else",
    ),
    Intended(
        endpoint="any",
        case="compressed",
        told="gzip; never compressed here",
        reason="in a local network it takes more time than it saves",
    ),
    Intended(
        endpoint="any",
        case="a foreign port in Host",
        told="401; let through here",
        reason="a container's port is often published under another number; the name is checked",
    ),
    Intended(
        endpoint="app/networkInterface* | client.app_network_interface_*",
        what="length | value",
        told="interfaces and addresses; none here",
        reason="they are what downloads can be bound to, and here the system chooses",
    ),
    # Sessions
    Intended(
        endpoint="auth/login",
        case="in a session already | wrong, in a session already",
        what="header",
        told="no cookie; here the same one again",
        reason="a program that logs in with every call keeps what the last answer gave it",
    ),
    Intended(
        endpoint="*",
        case="open: *",
        what="header",
        where="set-cookie",
        ours="none",
        told="a new session with every answer where nobody has to log in; none here",
        reason="nobody asks for it",
    ),
    # torrents
    Intended(
        endpoint="torrents/editTracker",
        case="unknown tracker",
        told="409; accepted when a tracker on the same host is there",
        reason="the rest of a tracker's URL often holds a passkey and is not kept for this",
    ),
    Intended(
        endpoint="torrents/stop | torrents/start",
        told="404; here they are torrents/pause and torrents/resume",
        reason="programs that speak Web API 2.11 use these names",
    ),
    Intended(
        endpoint="torrents/info | sync/maindata | client.sync_maindata | client.torrents_info",
        what="extra key",
        where="*inactive_seeding_time*",
        told="not there; here `inactive_seeding_time_limit` and `max_inactive_seeding_time`",
        reason="the limit can be set here, and Sonarr reads it",
    ),
    Intended(
        endpoint="sync/maindata | client.sync_maindata",
        what="extra key | missing key",
        where="trackers/*",
        told="whole URLs of trackers; here scheme, host and port",
        reason="the rest often holds a passkey",
    ),
    Intended(
        endpoint="sync/maindata",
        case="a torrent is renamed",
        told="`magnet_uri` keeps the old name; here it has the new one",
        reason="it is made from the name that is shown",
    ),
    Intended(
        endpoint="sync/maindata",
        case="a number from long ago",
        told="everything for any `rid` but the last; here what changed since that answer",
        reason="several programs may use one session",
    ),
    Intended(
        endpoint="torrents/delete",
        case="without deleteFiles",
        told="400; here the files stay",
        reason="Sonarr leaves it out to say so",
    ),
    Intended(
        endpoint="torrents/createCategory | client.torrents_create_category",
        case="again | there already",
        told="409; 200 here where nothing would change",
        reason="a program that found it missing just before another one made it would fail",
    ),
    Intended(
        endpoint="torrents/setShareLimits | torrents/add",
        case="no numbers | share limits that are none",
        what="value",
        told="what is no number is 0; here it counts as not given",
        reason="0 would let a torrent be removed at once",
    ),
    Intended(
        endpoint="torrents/setLocation | torrents/setSavePath",
        case="not writable",
        what="body",
        told="`Cannot make save path` or `Cannot create target directory`; here the reason too",
        reason="it says what to change",
    ),
    Intended(
        endpoint="torrents/setSavePath",
        what="value",
        told="nothing happens to torrents that are managed automatically; here they move",
        reason="who names a folder wants them there",
    ),
    Intended(
        endpoint="torrents/setDownloadPath",
        case="not writable",
        told="409; taken here",
        reason="unfinished files are all in one folder, whatever is asked for",
    ),
    Intended(
        endpoint="torrents/renameFile | torrents/renameFolder",
        case="outside",
        told="the file leaves the torrent's folder; 409 here",
        reason="names in a torrent must not lead out of it",
    ),
    Intended(
        endpoint="torrents/editTracker",
        case="upper-case hash",
        told="409, as the tracker was changed by the call before; here it is as it was added",
        reason="AllDebrid announces, with the trackers it was given",
    ),
    Intended(
        endpoint="torrents/add",
        case="the same file again | the magnet again",
        told="`Fails.`; `Ok.` here",
        reason="Sonarr sends a torrent again after a 403, and it is there as it wanted",
    ),
    Intended(
        endpoint="torrents/add",
        case="no category name",
        told="taken without a category; `Fails.` here",
        reason="Sonarr would never see it again",
    ),
    Intended(
        endpoint="torrents/add",
        case="a folder | a relative folder",
        what="value",
        told="`savepath` counts only with `autoTMM=false`; always here, unless `autoTMM=true`",
        reason="who names a folder wants it there",
    ),
    Intended(
        endpoint="torrents/add",
        case="without checking",
        what="value",
        told="`skip_checking` of files that are not there is an error; here they are downloaded",
        reason="there is nothing to check before a download",
    ),
    Intended(
        endpoint="torrents/add",
        case="stopped",
        what="value",
        told="not known yet; here the same as `paused`",
        reason="programs that speak Web API 2.11 use this name",
    ),
    Intended(
        endpoint="torrents/add",
        case="paused='1' | paused='yes'",
        what="value",
        told="only `true` is true; here every spelling of it",
        reason="so programs in all languages are understood",
    ),
    Intended(
        endpoint="torrents/setForceStart",
        case="a number",
        what="value",
        told="only `true` is true; here every spelling of it",
        reason="so programs in all languages are understood",
    ),
    Intended(
        endpoint="torrents/add",
        case="a URL with nothing | another scheme",
        told="`Ok.` before it is fetched; `Fails.` here",
        reason="the program hears that nothing was added, and can take another release",
    ),
    Intended(
        endpoint="rss/addFeed",
        case="no URL",
        what="body",
        told="another sentence",
        reason="there are no feeds here",
    ),
)


def explained(endpoint: str, case: str, difference: Difference) -> Intended | None:
    """Return the first row that fits a difference."""
    return next((row for row in INTENDED if row.fits(endpoint, case, difference)), None)


def markdown() -> str:
    """Return the table as API.md shows it; `python -m tests.conformance.intended` prints it."""
    lines = ["| where | what | why |", "|---|---|---|"]
    lines += [f"| {_where(row)} | {row.told} | {row.reason} |" for row in INTENDED]
    return "\n".join(lines)


def _where(row: Intended) -> str:
    endpoints = (
        "everywhere"
        if row.endpoint == "*"
        else ", ".join(f"`{one}`" for one in row.endpoint.split(" | "))
    )
    cases = "" if row.case == "*" else ": " + row.case.replace(" | ", "; ")
    return endpoints + cases


if __name__ == "__main__":
    sys.stdout.write(markdown() + "\n")
