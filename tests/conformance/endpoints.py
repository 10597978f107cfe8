"""Every endpoint of qBittorrent's Web API 2.8.19 that is compared, and its parameters.

All of the groups app, auth, log, sync, torrents and transfer; of rss and search those that a
program meets on its way; and the names that 2.11 has for pause and resume.
"""

from tests.conformance.calls import Call
from tests.conformance.cases import Endpoint, Look
from tests.conformance.compare import Compared

TORRENTS = {"hashes": "$scene"}
"""The query for the torrents of the scene."""


def seen(*fields: str) -> Look:
    """What torrents/info says of the scene's torrents."""
    return Look(query=TORRENTS, fields=("hash", *fields))


def _post(path: str, **form: str) -> Call:
    return Call(path=path, method="POST", form=form)


CATEGORY = _post("torrents/createCategory", category="films", savePath="")
TAGS = _post("torrents/createTags", tags="one,two")

APP = (
    Endpoint(path="app/version", told=Compared(values=("*",))),
    Endpoint(path="app/webapiVersion"),
    Endpoint(path="app/buildInfo"),
    Endpoint(path="app/preferences"),
    Endpoint(
        path="app/setPreferences",
        post=True,
        good={"json": '{"dl_limit": 102400}'},
        wrong={
            "no JSON": {"json": "{"},
            "JSON array": {"json": "[1]"},
            "empty JSON": {"json": ""},
            "unknown name": {"json": '{"no_such_preference": 1}'},
            "wrong type": {"json": '{"max_active_downloads": "many"}'},
        },
        look=Look(path="app/preferences", fields=("dl_limit", "max_active_downloads")),
    ),
    Endpoint(path="app/defaultSavePath"),
    Endpoint(path="app/networkInterfaceList"),
    Endpoint(
        path="app/networkInterfaceAddressList",
        good={"iface": "lo"},
        wrong={"empty": {"iface": ""}, "unknown": {"iface": "no-such-interface"}},
        told=Compared(values=("*",)),
    ),
)

LOG = (
    Endpoint(
        path="log/main",
        told=Compared(lengths=False),
        good={
            "normal": "true",
            "info": "true",
            "warning": "true",
            "critical": "true",
            "last_known_id": "-1",
        },
        optional=frozenset({"normal", "info", "warning", "critical", "last_known_id"}),
        wrong={
            "nothing chosen": {
                "normal": "false",
                "info": "false",
                "warning": "false",
                "critical": "false",
            },
            "after the last": {"last_known_id": "1000000000"},
            "no number": {"last_known_id": "x"},
        },
    ),
    Endpoint(
        path="log/peers",
        good={"last_known_id": "-1"},
        optional=frozenset({"last_known_id"}),
        wrong={"no number": {"last_known_id": "x"}},
    ),
)

SYNC = (
    Endpoint(
        path="sync/maindata",
        good={"rid": "0"},
        optional=frozenset({"rid"}),
        wrong={
            "no number": {"rid": "x"},
            "never given": {"rid": "9999"},
            "negative": {"rid": "-1"},
        },
        torrents=("paused", "waiting"),
        first=(CATEGORY, TAGS),
    ),
    Endpoint(
        path="sync/torrentPeers",
        good={"hash": "$paused", "rid": "0"},
        optional=frozenset({"rid"}),
        hash="hash",
        wrong={"no number": {"rid": "x"}},
    ),
)

_LIMIT = {"no number": {"limit": "x"}, "negative": {"limit": "-1"}, "fraction": {"limit": "2048.5"}}

TRANSFER = (
    Endpoint(path="transfer/info"),
    Endpoint(path="transfer/speedLimitsMode", told=Compared(values=("*",))),
    Endpoint(
        path="transfer/setSpeedLimitsMode",
        post=True,
        good={"mode": "1"},
        wrong={"no number": {"mode": "x"}, "another number": {"mode": "7"}, "off": {"mode": "0"}},
        look=Look(path="transfer/speedLimitsMode"),
    ),
    Endpoint(
        path="transfer/toggleSpeedLimitsMode",
        post=True,
        look=Look(path="transfer/speedLimitsMode"),
    ),
    Endpoint(path="transfer/downloadLimit"),
    Endpoint(path="transfer/uploadLimit"),
    Endpoint(
        path="transfer/setDownloadLimit",
        post=True,
        good={"limit": "204800"},
        wrong=_LIMIT,
        look=Look(path="transfer/downloadLimit"),
    ),
    Endpoint(
        path="transfer/setUploadLimit",
        post=True,
        good={"limit": "204800"},
        wrong=_LIMIT,
        look=Look(path="transfer/uploadLimit"),
    ),
    Endpoint(
        path="transfer/banPeers",
        post=True,
        good={"peers": "192.0.2.1:6881"},
        wrong={"no address": {"peers": "x"}, "several": {"peers": "192.0.2.1:6881|192.0.2.2:6881"}},
    ),
)

READ = (
    Endpoint(path="torrents/info", told=Compared(values=("name",))),
    Endpoint(path="torrents/properties", good={"hash": "$paused"}, hash="hash"),
    Endpoint(path="torrents/trackers", good={"hash": "$paused"}, hash="hash"),
    Endpoint(
        path="torrents/webseeds",
        good={"hash": "$paused"},
        hash="hash",
        told=Compared(values=("*",)),
    ),
    Endpoint(
        path="torrents/files",
        good={"hash": "$paused", "indexes": "0|2"},
        optional=frozenset({"indexes"}),
        hash="hash",
        told=Compared(values=("index", "name", "size", "priority")),
        wrong={"no number": {"indexes": "x"}, "no such file": {"indexes": "99"}},
    ),
    Endpoint(
        path="torrents/pieceHashes",
        good={"hash": "$paused"},
        hash="hash",
        told=Compared(values=("*",)),
    ),
    Endpoint(
        path="torrents/pieceStates",
        good={"hash": "$paused"},
        hash="hash",
        told=Compared(values=("*",)),
    ),
    Endpoint(
        path="torrents/export",
        good={"hash": "$paused"},
        hash="hash",
        told=Compared(headers=("content-disposition",)),
    ),
    Endpoint(path="torrents/categories", first=(CATEGORY,), told=Compared(values=("name",))),
    Endpoint(path="torrents/tags", first=(TAGS,), told=Compared(values=("*",))),
    Endpoint(
        path="torrents/downloadLimit",
        good={"hashes": "$paused"},
        hash="hashes",
        many=True,
        told=Compared(values=("*",)),
    ),
    Endpoint(
        path="torrents/uploadLimit",
        good={"hashes": "$paused"},
        hash="hashes",
        many=True,
        told=Compared(values=("*",)),
    ),
)


def _many(path: str, *fields: str, **form: str) -> Endpoint:
    """An endpoint that does something to torrents."""
    return Endpoint(
        path=f"torrents/{path}",
        post=True,
        good={"hashes": "$paused", **form},
        hash="hashes",
        many=True,
        look=seen(*fields) if fields else None,
    )


_WORD = {"a number": {"value": "1"}, "a word": {"value": "x"}, "empty value": {"value": ""}}

CHANGE = (
    _many("pause", "phase"),
    _many("resume", "phase"),
    _many("stop", "phase"),
    _many("start", "phase"),
    _many("recheck", "phase", "progress"),
    _many("reannounce"),
    Endpoint(
        path="torrents/delete",
        post=True,
        good={"hashes": "$paused", "deleteFiles": "true"},
        hash="hashes",
        many=True,
        wrong={"a word": {"deleteFiles": "x"}},
        look=Look(fields=("name",)),
    ),
    _many("topPrio", "priority"),
    _many("bottomPrio", "priority"),
    _many("increasePrio", "priority"),
    _many("decreasePrio", "priority"),
    Endpoint(
        path="torrents/setCategory",
        post=True,
        good={"hashes": "$paused", "category": "films"},
        hash="hashes",
        many=True,
        first=(CATEGORY,),
        wrong={
            "unknown category": {"category": "none-such"},
            "no category name": {"category": "/"},
            "empty category": {"category": ""},
        },
        look=seen("category", "save_path"),
    ),
    Endpoint(
        path="torrents/addTags",
        post=True,
        good={"hashes": "$paused", "tags": "one, three"},
        hash="hashes",
        many=True,
        wrong={"empty tags": {"tags": ""}, "only commas": {"tags": ",,"}},
        look=seen("tags"),
    ),
    Endpoint(
        path="torrents/removeTags",
        post=True,
        good={"hashes": "$paused", "tags": "one"},
        hash="hashes",
        many=True,
        first=(_post("torrents/addTags", hashes="$scene", tags="one,two,three"),),
        wrong={"unknown tag": {"tags": "none-such"}, "empty tags": {"tags": ""}},
        look=seen("tags"),
    ),
    Endpoint(
        path="torrents/createTags",
        post=True,
        good={"tags": "b,a, c"},
        wrong={"empty tags": {"tags": ""}, "again": {"tags": "a,a"}, "only commas": {"tags": ",,"}},
        look=Look(path="torrents/tags", fields=("*",)),
    ),
    Endpoint(
        path="torrents/deleteTags",
        post=True,
        good={"tags": "one"},
        first=(TAGS,),
        wrong={"unknown tag": {"tags": "none-such"}, "empty tags": {"tags": ""}},
        look=Look(path="torrents/tags", fields=("*",)),
    ),
    Endpoint(
        path="torrents/createCategory",
        post=True,
        good={"category": "films", "savePath": "$own_downloads/films"},
        optional=frozenset({"savePath"}),
        wrong={
            "empty name": {"category": ""},
            "name with //": {"category": "a//b"},
            "name with \\": {"category": "a\\b"},
            "name that ends in /": {"category": "a/"},
            "subcategory": {"category": "shows/anime"},
            "relative path": {"category": "relative", "savePath": "below"},
        },
        look=Look(path="torrents/categories"),
    ),
    Endpoint(
        path="torrents/editCategory",
        post=True,
        good={"category": "films", "savePath": "$own_downloads/elsewhere"},
        optional=frozenset({"savePath"}),
        first=(CATEGORY,),
        wrong={"unknown": {"category": "none-such"}, "empty name": {"category": ""}},
        look=Look(path="torrents/categories"),
    ),
    Endpoint(
        path="torrents/removeCategories",
        post=True,
        good={"categories": "films"},
        first=(CATEGORY,),
        wrong={"unknown": {"categories": "none-such"}, "empty": {"categories": ""}},
        look=Look(path="torrents/categories"),
    ),
    Endpoint(
        path="torrents/setShareLimits",
        post=True,
        good={"hashes": "$paused", "ratioLimit": "1.5", "seedingTimeLimit": "60"},
        hash="hashes",
        many=True,
        wrong={
            "no numbers": {"ratioLimit": "x", "seedingTimeLimit": "y"},
            "as the global ones": {"ratioLimit": "-2", "seedingTimeLimit": "-2"},
            "none": {"ratioLimit": "-1", "seedingTimeLimit": "-1"},
            "too large": {"ratioLimit": "99999", "seedingTimeLimit": "99999999"},
        },
        look=seen("ratio_limit", "seeding_time_limit", "max_seeding_time"),
    ),
    Endpoint(
        path="torrents/setDownloadLimit",
        post=True,
        good={"hashes": "$paused", "limit": "102400"},
        hash="hashes",
        many=True,
        wrong=_LIMIT,
        look=seen("dl_limit"),
    ),
    Endpoint(
        path="torrents/setUploadLimit",
        post=True,
        good={"hashes": "$paused", "limit": "102400"},
        hash="hashes",
        many=True,
        wrong=_LIMIT,
        look=seen("up_limit"),
    ),
    Endpoint(
        path="torrents/setForceStart",
        post=True,
        good={"hashes": "$waiting", "value": "true"},
        hash="hashes",
        many=True,
        wrong=_WORD,
        look=seen("force_start", "phase"),
    ),
    Endpoint(
        path="torrents/setSuperSeeding",
        post=True,
        good={"hashes": "$paused", "value": "true"},
        hash="hashes",
        many=True,
        wrong=_WORD,
    ),
    Endpoint(
        path="torrents/setAutoManagement",
        post=True,
        good={"hashes": "$paused", "enable": "true"},
        hash="hashes",
        many=True,
        wrong={"a word": {"enable": "x"}, "off": {"enable": "false"}},
        look=seen("auto_tmm"),
    ),
    _many("toggleSequentialDownload", "seq_dl"),
    _many("toggleFirstLastPiecePrio", "f_l_piece_prio"),
    Endpoint(
        path="torrents/setLocation",
        post=True,
        good={"hashes": "$paused", "location": "$own_downloads/moved"},
        hash="hashes",
        many=True,
        wrong={
            "empty location": {"location": ""},
            "relative location": {"location": "below"},
            "not writable": {"location": "/proc/none-such"},
        },
        look=seen("save_path", "auto_tmm"),
    ),
    Endpoint(
        path="torrents/setSavePath",
        post=True,
        good={"id": "$paused", "path": "$own_downloads/saved"},
        hash="id",
        many=True,
        wrong={"empty path": {"path": ""}, "not writable": {"path": "/proc/none-such"}},
        look=seen("save_path"),
    ),
    Endpoint(
        path="torrents/setDownloadPath",
        post=True,
        good={"id": "$paused", "path": "$own_downloads/unfinished"},
        hash="id",
        many=True,
        wrong={"empty path": {"path": ""}, "not writable": {"path": "/proc/none-such"}},
        look=seen("download_path"),
    ),
    Endpoint(
        path="torrents/rename",
        post=True,
        good={"hash": "$paused", "name": "another name"},
        hash="hash",
        wrong={"empty name": {"name": ""}, "blanks": {"name": "  "}, "slash": {"name": "a/b"}},
        look=seen("name"),
    ),
    Endpoint(
        path="torrents/renameFile",
        post=True,
        good={
            "hash": "$paused",
            "oldPath": "$paused_name/a.txt",
            "newPath": "$paused_name/renamed.txt",
        },
        hash="hash",
        wrong={
            "unknown file": {"oldPath": "none-such", "newPath": "x"},
            "empty new": {"oldPath": "$spare_name/a.txt", "newPath": ""},
            "taken": {"oldPath": "$spare_name/a.txt", "newPath": "$spare_name/sub/b.txt"},
            "outside": {"oldPath": "$spare_name/a.txt", "newPath": "../a.txt"},
            "absolute": {"oldPath": "$spare_name/a.txt", "newPath": "/a.txt"},
        },
        look=Look(path="torrents/files", query={"hash": "$paused"}, fields=("name",)),
    ),
    Endpoint(
        path="torrents/renameFolder",
        post=True,
        good={
            "hash": "$paused",
            "oldPath": "$paused_name/sub",
            "newPath": "$paused_name/folder",
        },
        hash="hash",
        wrong={
            "unknown folder": {"oldPath": "none-such", "newPath": "x"},
            "empty new": {"oldPath": "$spare_name/sub", "newPath": ""},
            "outside": {"oldPath": "$spare_name/sub", "newPath": "../sub"},
        },
        look=Look(path="torrents/files", query={"hash": "$paused"}, fields=("name",)),
    ),
    Endpoint(
        path="torrents/filePrio",
        post=True,
        good={"hash": "$paused", "id": "0|2", "priority": "0"},
        hash="hash",
        wrong={
            "priority is no number": {"priority": "x"},
            "no such priority": {"priority": "5"},
            "index is no number": {"id": "x"},
            "no such file": {"id": "99"},
            "highest": {"id": "1", "priority": "7"},
        },
        look=Look(path="torrents/files", query={"hash": "$paused"}, fields=("name", "priority")),
    ),
    Endpoint(
        path="torrents/addTrackers",
        post=True,
        good={"hash": "$paused", "urls": "http://127.0.0.1:9/other"},
        hash="hash",
        wrong={"no URL": {"urls": "x"}, "empty": {"urls": ""}},
    ),
    Endpoint(
        path="torrents/editTracker",
        post=True,
        good={
            "hash": "$paused",
            "origUrl": "http://127.0.0.1:9/announce",
            "newUrl": "http://127.0.0.1:9/edited",
        },
        hash="hash",
        wrong={
            "unknown tracker": {"origUrl": "http://127.0.0.1:9/none"},
            "no URL": {"newUrl": "x"},
            "as it was": {"newUrl": "http://127.0.0.1:9/announce"},
        },
    ),
    Endpoint(
        path="torrents/removeTrackers",
        post=True,
        good={"hash": "$paused", "urls": "http://127.0.0.1:9/announce"},
        hash="hash",
        wrong={"unknown tracker": {"urls": "http://127.0.0.1:9/none"}, "empty": {"urls": ""}},
    ),
    Endpoint(
        path="torrents/addPeers",
        post=True,
        good={"hashes": "$paused", "peers": "192.0.2.1:6881"},
        hash="hashes",
        many=True,
        wrong={"no address": {"peers": "x"}, "empty": {"peers": ""}},
    ),
)

RSS = (
    Endpoint(path="rss/items", told=Compared(values=("*",))),
    Endpoint(path="rss/rules", told=Compared(values=("*",))),
    Endpoint(
        path="rss/matchingArticles", good={"ruleName": "none-such"}, told=Compared(values=("*",))
    ),
    Endpoint(path="rss/refreshItem", post=True, good={"itemPath": "none-such"}),
    Endpoint(path="rss/markAsRead", post=True, good={"itemPath": "none-such"}),
    Endpoint(path="rss/removeItem", post=True, good={"path": "none-such"}),
    Endpoint(path="rss/moveItem", post=True, good={"itemPath": "none-such", "destPath": "other"}),
    Endpoint(path="rss/removeRule", post=True, good={"ruleName": "none-such"}),
    Endpoint(
        path="rss/renameRule", post=True, good={"ruleName": "none-such", "newRuleName": "other"}
    ),
)

SEARCH = (
    Endpoint(path="search/plugins", told=Compared(values=("*",))),
    Endpoint(
        path="search/status",
        good={"id": "1"},
        optional=frozenset({"id"}),
        wrong={"no number": {"id": "x"}},
    ),
    Endpoint(path="search/results", good={"id": "1"}, wrong={"no number": {"id": "x"}}),
    Endpoint(path="search/stop", post=True, good={"id": "1"}, wrong={"no number": {"id": "x"}}),
    Endpoint(path="search/delete", post=True, good={"id": "1"}, wrong={"no number": {"id": "x"}}),
    Endpoint(path="search/enablePlugin", post=True, good={"names": "none-such", "enable": "true"}),
)

ENDPOINTS = (*APP, *LOG, *SYNC, *TRANSFER, *READ, *CHANGE, *RSS, *SEARCH)
"""Those with cases that are made from what stands here; `scenes` has the others."""
