"""Whatever a client sends, it never gets a 500."""

import asyncio
from urllib.parse import quote_from_bytes

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.jobs.views import AddRequest
from tests.fakes.sonarr_http import BOUNDARY

READS = [
    "app/version", "app/preferences", "torrents/info", "torrents/properties", "torrents/trackers",
    "torrents/files", "torrents/webseeds", "torrents/categories", "torrents/tags",
    "transfer/info", "sync/maindata", "transfer/downloadLimit", "transfer/uploadLimit",
    "transfer/speedLimitsMode", "torrents/downloadLimit", "torrents/uploadLimit",
]  # fmt: skip
ACTIONS = [
    "auth/login", "auth/logout", "torrents/add", "torrents/delete", "torrents/pause",
    "torrents/resume", "torrents/stop", "torrents/start", "torrents/recheck",
    "torrents/reannounce", "torrents/setForceStart", "torrents/setShareLimits",
    "torrents/topPrio", "torrents/bottomPrio", "torrents/createCategory",
    "torrents/editCategory", "torrents/removeCategories", "torrents/setCategory",
    "torrents/createTags", "torrents/deleteTags", "torrents/addTags", "torrents/removeTags",
    "torrents/setDownloadLimit", "torrents/setUploadLimit", "transfer/setDownloadLimit",
    "transfer/setUploadLimit", "transfer/setSpeedLimitsMode", "app/setPreferences",
]  # fmt: skip
NAMES = [
    "hash", "hashes", "category", "categories", "tag", "tags", "filter", "sort", "reverse",
    "limit", "offset", "urls", "savepath", "savePath", "rename", "paused", "ratioLimit",
    "seedingTimeLimit", "value", "deleteFiles", "rid", "indexes", "torrents", "username",
    "mode", "json", "dlLimit",
]  # fmt: skip
KNOWN = "a" * 40
TELLING = [
    b"all", b"", b"-1", b"1e999", b"nan", b"9" * 50, b"True", b"|", b"\x00", b"\xff\xfe",
    KNOWN.encode(), b"magnet:?xt=urn:btih:" + b"b" * 40, b"https://t.example/x", b"hash", b"..",
    b'{"dl_limit": 1e99}',
]  # fmt: skip

names = st.sampled_from(NAMES).map(str.encode) | st.binary(max_size=10)
values = st.sampled_from(TELLING) | st.binary(max_size=40)
fields = st.lists(st.tuples(names, values), max_size=6)
fuzzy = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


async def stock(torrents):
    """Let there be one torrent, whatever was done to the last one."""
    await torrents.add(AddRequest(magnet=KNOWN, category="tv", tags=("x",)))
    torrents.finish(KNOWN, {"film.mkv": 1000})


def urlencoded(pairs):
    return "&".join(f"{quote_from_bytes(name)}={quote_from_bytes(value)}" for name, value in pairs)


@fuzzy
@given(st.sampled_from(READS), fields)
def test_no_query_ends_in_an_error_of_ours(sonarr, torrents, route, pairs):
    asyncio.run(stock(torrents))
    assert sonarr.send("GET", f"/api/v2/{route}?{urlencoded(pairs)}").status < 500


@fuzzy
@given(st.sampled_from(READS + ACTIONS), fields)
def test_no_form_ends_in_an_error_of_ours(sonarr, torrents, route, pairs):
    asyncio.run(stock(torrents))
    body = urlencoded(pairs).encode()
    answer = sonarr.send("POST", f"/api/v2/{route}", body, "application/x-www-form-urlencoded")
    assert answer.status < 500


@fuzzy
@given(st.sampled_from(ACTIONS), fields, st.binary(max_size=30))
def test_no_multipart_form_ends_in_an_error_of_ours(sonarr, torrents, route, pairs, end):
    asyncio.run(stock(torrents))
    body = b"".join(
        b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
        % (BOUNDARY.encode(), name, value)
        for name, value in pairs
    )
    body += b"--%b--\r\n" % BOUNDARY.encode() + end
    answer = sonarr.send(
        "POST", f"/api/v2/{route}", body, f"multipart/form-data; boundary={BOUNDARY}"
    )
    assert answer.status < 500
