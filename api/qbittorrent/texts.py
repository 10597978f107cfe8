"""What text and paths look like before they go out. Pure.

Guarantees
    * Text is valid UTF-8 whatever the names hold: one torrent that cannot be encoded would take
      the whole list from the client.
    * `content_path` lies strictly below `save_path`, and neither ends in a slash: were they equal,
      Sonarr would refuse the import; were they the same but for a slash, it would import the
      whole folder. A path that is not below is left out.
    * A tracker's URL often holds a passkey in its path or query, so only scheme, host and port of
      it go out.
    * No message alarms Autobrr, which searches tracker messages for words.
"""

import functools
import re
from urllib.parse import urlsplit

_ALARMING = {
    "does not exist": "is gone",
    "not exist": "gone",
    "not registered": "unknown",
    "unregistered": "unknown",
    "not found": "missing",
}
"""What Autobrr reads as "the tracker does not know this torrent" wherever it stands in a message,
and what says the same without alarming it; longer ones first."""

_ALARM = re.compile("|".join(map(re.escape, _ALARMING)), re.IGNORECASE)


def valid(text: str) -> str:
    """Return text that can be encoded; names from file systems may hold lone surrogates."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def folder(path: str) -> str:
    """Return an absolute path without a slash at its end."""
    return valid(path.rstrip("/") or path[:1])


def content_path(path: str, save_path: str) -> str:
    """Return the path of the content, empty when it is not strictly below `save_path`."""
    path = folder(path)
    below = save_path if save_path.endswith("/") else save_path + "/"
    return path if path.startswith(below) and path != below else ""


@functools.lru_cache(maxsize=1024)
def tracker_host(url: str) -> str:
    """Return a tracker's URL without anything that may be a secret; empty when it is no URL."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        port = parts.port
    except ValueError:
        return ""
    if not parts.scheme or not host:
        return ""
    host = f"[{host}]" if ":" in host else host
    return valid(f"{parts.scheme}://{host}" + (f":{port}" if port else ""))


def calm(message: str) -> str:
    """Return a message without the words that make Autobrr think the torrent is not registered."""
    return _ALARM.sub(lambda found: _ALARMING[found.group().lower()], message)
