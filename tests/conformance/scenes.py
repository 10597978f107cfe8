"""Every scene, in the order they are played: those of single endpoints, then those told here."""

from tests.conformance.calls import Call, File
from tests.conformance.cases import NOBODYS, Case, Look, Scene, scene_of
from tests.conformance.client import CLIENT
from tests.conformance.compare import Compared
from tests.conformance.endpoints import CATEGORY, ENDPOINTS, TAGS, seen
from tests.conformance.shelf import Made

ADD = "torrents/add"

ADDED = ("name", "category", "tags", "save_path", "phase")
"""What a torrent is added with."""


def _file(name: str) -> File:
    return File("torrents", f"{name}.torrent", Made(name).torrent)


def _add(
    name: str, *files: File, look: Look | None = None, multipart: bool = False, **form: str
) -> Case:
    call = Call(path=ADD, method="POST", form=form, files=files, multipart=multipart)
    return Case(endpoint=ADD, name=name, call=call, look=look)


def _there(made: str, *fields: str) -> Look:
    """What torrents/info says of one torrent that was added."""
    return Look(query={"hashes": Made(made).infohash}, fields=fields or ADDED)


def _paused(name: str, made: str, *fields: str, **form: str) -> Case:
    """Add a torrent paused, with something more, and see what became of it."""
    return _add(name, _file(made), look=_there(made, *fields), paused="true", **form)


BASE32 = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U"
"""The infohash 6162636465666768696a6b6c6d6e6f7071727374 in base32."""

FILES = Scene(
    name="torrents/add files",
    held=("running1", "running2"),
    cases=(
        Case(endpoint=ADD, name="GET instead", call=Call(path=ADD)),
        Case(
            endpoint=ADD,
            name="no session",
            call=Call(path=ADD, method="POST", files=(_file("never"),), session="none"),
        ),
        _add("nothing at all"),
        _add("a file that is none", File("torrents", "broken.torrent", b"no bencoding")),
        _add("an empty file", File("torrents", "empty.torrent", b"")),
        _add("a web page", File("torrents", "page.torrent", b"<!doctype html><p>Log in</p>")),
        _paused("a file", "added1"),
        _add("the same file again", _file("added1"), look=_there("added1"), paused="true"),
        _add("two files", _file("added2"), _file("added3"), look=_there("added3"), paused="true"),
        _add(
            "one good, one broken",
            _file("added4"),
            File("torrents", "broken.torrent", b"no bencoding"),
            paused="true",  # the real one takes what its hash table happens to name first
        ),
        _add(
            "another field name", File("file", "x.torrent", Made("added5").torrent), paused="true"
        ),
        _add("running", _file("running1"), look=_there("running1")),
        _paused("a category", "added6", category="films"),
        _paused("a new category", "added7", category="brand new"),
        _paused("no category name", "added8", category="a//b"),
        _paused("tags", "added9", tags="one,two,one"),
        _paused("a folder", "added10", savepath="$own_downloads/elsewhere"),
        _paused(
            "a folder, not managed", "added27", savepath="$own_downloads/mine", autoTMM="false"
        ),
        _paused("a relative folder", "added11", savepath="below"),
        _paused("a folder and managed", "added12", savepath="$own_downloads/x", autoTMM="true"),
        _paused("managed", "added13", "auto_tmm", autoTMM="true"),
        _paused("not managed", "added14", "auto_tmm", autoTMM="false"),
        _paused("another name", "added15", rename="renamed"),
        _paused("limits", "added16", "dl_limit", "up_limit", dlLimit="102400", upLimit="51200"),
        _paused("limits that are none", "added17", "dl_limit", dlLimit="x", upLimit="-5"),
        _paused(
            "share limits",
            "added18",
            "ratio_limit",
            "seeding_time_limit",
            ratioLimit="2.5",
            seedingTimeLimit="90",
        ),
        _paused(
            "share limits that are none",
            "added19",
            "ratio_limit",
            "seeding_time_limit",
            ratioLimit="x",
            seedingTimeLimit="y",
        ),
        _paused(
            "order of pieces",
            "added20",
            "seq_dl",
            "f_l_piece_prio",
            sequentialDownload="true",
            firstLastPiecePrio="true",
        ),
        _paused("without checking", "added21", skip_checking="true"),
        _paused("content without folder", "added22", contentLayout="NoSubfolder"),
        _paused("root_folder", "added23", root_folder="false"),
        _paused("a download folder", "added24", downloadPath="/tmp", useDownloadPath="true"),
        _paused("a cookie", "added25", cookie="name=value"),
        _paused("unknown parameters", "added26", no_such_parameter="1"),
        _add("stopped", _file("running2"), look=_there("running2"), stopped="true"),
    ),
)

SPELLINGS = Scene(
    name="torrents/add paused",
    held=tuple(f"spelled{number}" for number in range(9)),
    cases=tuple(
        _add(
            f"paused={word!r}",
            _file(f"spelled{number}"),
            look=_there(f"spelled{number}", "phase"),
            paused=word,
        )
        for number, word in enumerate(
            ("true", "True", "TRUE", "1", "yes", "false", "0", "", "nonsense")
        )
    ),
)

URLS = Scene(
    name="torrents/add urls",
    cases=(
        _add("no URL", urls=""),
        _add("blank lines", urls="\n \n"),
        _add("nonsense", urls="nonsense", paused="true"),
        _add("a magnet without hash", urls="magnet:?dn=nothing", paused="true"),
        _add("a hash too short", urls="magnet:?xt=urn:btih:abc", paused="true"),
        _add(
            "a magnet",
            urls=Made("magnet1").magnet,
            look=_there("magnet1", *ADDED),
            paused="true",
        ),
        _add("the magnet again", urls=Made("magnet1").magnet, paused="true"),
        _add(
            "a magnet, multipart",
            urls=Made("magnet2").magnet,
            look=_there("magnet2", *ADDED),
            multipart=True,
            paused="true",
        ),
        _add(
            "a base32 magnet",
            urls=f"magnet:?xt=urn:btih:{BASE32}&dn=thirtytwo",
            look=Look(
                query={"hashes": "6162636465666768696a6b6c6d6e6f7071727374"}, fields=("name",)
            ),
            paused="true",
        ),
        _add(
            "a bare hash",
            urls=Made("magnet3").infohash,
            look=_there("magnet3", "hash"),
            paused="true",
        ),
        _add(
            "several",
            urls=f"{Made('magnet4').magnet}\n{Made('magnet5').magnet}",
            look=_there("magnet5"),
            paused="true",
        ),
        _add(
            "a URL",
            urls="$own_torrents/served.torrent",
            look=_there("served"),
            paused="true",
        ),
        _add("a URL with nothing", urls="$own_torrents/none", paused="true"),
        _add("another scheme", urls="ftp://127.0.0.1:9/x.torrent", paused="true"),
    ),
)

MAGNET = Made("unread")

NO_FILES = Scene(
    name="a magnet",
    first=(
        Call(path=ADD, method="POST", form={"urls": MAGNET.magnet, "paused": "true"}),
        Call(path="torrents/info", query={"hashes": MAGNET.infohash}),
    ),
    cases=(
        Case(
            endpoint="torrents/info",
            name="of a magnet",
            call=Call(path="torrents/info", query={"hashes": MAGNET.infohash}),
            told=Compared(values=("name", "size", "total_size")),
            look=_there("unread", "name"),
        ),
        *(
            Case(
                endpoint=f"torrents/{path}",
                name="of a magnet",
                call=Call(path=f"torrents/{path}", query={"hash": MAGNET.infohash}),
            )
            for path in (
                "info",
                "properties",
                "trackers",
                "webseeds",
                "files",
                "pieceHashes",
                "pieceStates",
                "export",
            )
        ),
        *(
            Case(
                endpoint=f"torrents/{path}",
                name="of a magnet",
                call=Call(
                    path=f"torrents/{path}", method="POST", form={"hash": MAGNET.infohash, **form}
                ),
            )
            for path, form in (
                ("filePrio", {"id": "0", "priority": "0"}),
                ("renameFile", {"oldPath": "a", "newPath": "b"}),
                ("renameFolder", {"oldPath": "a", "newPath": "b"}),
                ("rename", {"name": "named"}),
            )
        ),
    ),
)

COMPLETE = Scene(
    name="complete torrents",
    cases=tuple(
        Case(
            endpoint=f"torrents/{path}",
            name=f"of the complete {name}",
            call=Call(path=f"torrents/{path}", query={key: f"${name}"}),
            told=Compared(values=values),
        )
        for name in ("film", "pack")
        for path, key, values in (
            (
                "info",
                "hashes",
                ("name", "state", "progress", "size", "completed", "amount_left", "content_path"),
            ),
            ("properties", "hash", ("save_path", "piece_size", "pieces_num", "pieces_have")),
            ("files", "hash", ("index", "name", "size", "progress", "is_seed", "piece_range")),
            ("trackers", "hash", ()),
            ("pieceStates", "hash", ("*",)),
            ("pieceHashes", "hash", ("*",)),
            ("export", "hash", ()),
        )
    ),
)

FILTERS = (
    "all",
    "downloading",
    "seeding",
    "completed",
    "paused",
    "resumed",
    "active",
    "inactive",
    "stalled",
    "stalled_uploading",
    "stalled_downloading",
    "checking",
    "moving",
    "errored",
    "nonsense",
    "",
)

QUESTIONS: dict[str, tuple[dict[str, str], bool]] = {
    "a category": ({"category": "films"}, False),
    "no category": ({"category": ""}, False),
    "unknown category": ({"category": "none-such"}, False),
    "a tag": ({"tag": "one"}, False),
    "no tag": ({"tag": ""}, False),
    "unknown tag": ({"tag": "none-such"}, False),
    "hashes": ({"hashes": "$paused|$waiting"}, False),
    "one hash unknown": ({"hashes": f"$paused|{NOBODYS}"}, False),
    "unknown hash": ({"hashes": NOBODYS}, False),
    "upper-case hash": ({"hashes": "$PAUSED"}, False),
    "hashes=all": ({"hashes": "all"}, False),
    "empty hashes": ({"hashes": ""}, False),
    "no hash": ({"hashes": "xyz"}, False),
    "sort by name": ({"sort": "name"}, True),
    "sort backwards": ({"sort": "name", "reverse": "true"}, True),
    "sort by size": ({"sort": "size", "hashes": "$film|$pack"}, True),
    "sort by nothing known": ({"sort": "no_such_field"}, False),
    "limit": ({"sort": "name", "limit": "2"}, True),
    "limit 0": ({"sort": "name", "limit": "0"}, True),
    "negative limit": ({"sort": "name", "limit": "-1"}, True),
    "limit is no number": ({"sort": "name", "limit": "x"}, True),
    "offset": ({"sort": "name", "offset": "3"}, True),
    "offset and limit": ({"sort": "name", "offset": "1", "limit": "2"}, True),
    "negative offset": ({"sort": "name", "offset": "-2"}, True),
    "offset beyond the end": ({"sort": "name", "offset": "99"}, True),
    "offset before the beginning": ({"sort": "name", "offset": "-99"}, True),
    "filter, category and tag": (
        {"filter": "paused", "category": "films", "tag": "one", "sort": "name"},
        True,
    ),
    "filter in capitals": ({"filter": "PAUSED"}, False),
}

LISTS = Scene(
    name="torrents/info questions",
    torrents=("paused", "waiting", "spare"),
    first=(
        CATEGORY,
        TAGS,
        Call(
            path="torrents/setCategory",
            method="POST",
            form={"hashes": "$paused|$waiting", "category": "films"},
        ),
        Call(
            path="torrents/addTags", method="POST", form={"hashes": "$paused|$spare", "tags": "one"}
        ),
    ),
    cases=(
        Case(
            endpoint="torrents/info",
            name="everything",
            call=Call(path="torrents/info"),
            look=Look(fields=("name", "category", "tags", "phase")),
        ),
        *(
            Case(
                endpoint="torrents/info",
                name=f"filter={name}",
                call=Call(path="torrents/info", query={"filter": name}),
                told=Compared(values=("name",)),
            )
            for name in FILTERS
        ),
        *(
            Case(
                endpoint="torrents/info",
                name=name,
                call=Call(path="torrents/info", query=query),
                told=Compared(values=("name",), ordered=ordered),
            )
            for name, (query, ordered) in QUESTIONS.items()
        ),
    ),
)


def _changed(name: str, *calls: Call, values: tuple[str, ...]) -> Case:
    """What the next answer of sync/maindata says after something was done. Only that counts."""
    return Case(
        endpoint="sync/maindata",
        name=name,
        before=calls,
        call=Call(path="sync/maindata", query={"rid": "$rid"}),
        told=Compared(shape=False, values=values),
    )


def _post(path: str, **form: str) -> Call:
    return Call(path=f"torrents/{path}", method="POST", form=form)


INCREMENTS = Scene(
    name="sync/maindata increments",
    torrents=("paused", "spare"),
    cases=(
        Case(
            endpoint="sync/maindata",
            name="full",
            call=Call(path="sync/maindata", query={"rid": "0"}),
            told=Compared(values=("full_update",)),
        ),
        _changed("nothing changed", values=("full_update", "torrents", "categories", "tags")),
        _changed(
            "a tag is created", _post("createTags", tags="new"), values=("full_update", "tags")
        ),
        _changed(
            "a tag is deleted", _post("deleteTags", tags="new"), values=("tags", "tags_removed")
        ),
        _changed(
            "a category is created",
            _post("createCategory", category="films"),
            values=("categories", "categories_removed"),
        ),
        _changed(
            "a category is removed",
            _post("removeCategories", categories="films"),
            values=("categories", "categories_removed"),
        ),
        _changed(
            "a torrent is renamed",
            _post("rename", hash="$paused", name="other"),
            values=("torrents", "torrents_removed"),
        ),
        _changed(
            "a torrent gets a tag",
            _post("addTags", hashes="$paused", tags="two"),
            values=("torrents", "tags"),
        ),
        _changed(
            "a torrent is deleted",
            _post("delete", hashes="$spare", deleteFiles="false"),
            values=("torrents", "torrents_removed"),
        ),
        Case(
            endpoint="sync/maindata",
            name="a number from long ago",
            call=Call(path="sync/maindata", query={"rid": "1"}),
            told=Compared(shape=False, values=("full_update",)),
        ),
        Case(
            endpoint="sync/maindata",
            name="another session",
            before=(
                Call(
                    path="auth/login",
                    method="POST",
                    form={"username": "admin", "password": "adminadmin"},
                    session="none",
                ),
            ),
            call=Call(path="sync/maindata", query={"rid": "$rid"}, session="latest"),
            told=Compared(shape=False, values=("full_update",)),
        ),
    ),
)


def _preferred(name: str, json: str, *fields: str) -> Case:
    return Case(
        endpoint="app/setPreferences",
        name=name,
        call=Call(path="app/setPreferences", method="POST", form={"json": json}),
        look=Look(path="app/preferences", fields=fields),
    )


PREFERENCES = Scene(
    name="app/setPreferences of what there is",
    cases=(
        _preferred("dl_limit", '{"dl_limit": 204800}', "dl_limit"),
        _preferred("dl_limit as text", '{"dl_limit": "102400"}', "dl_limit"),
        _preferred("dl_limit as fraction", '{"dl_limit": 51200.0}', "dl_limit"),
        _preferred("dl_limit 0", '{"dl_limit": 0}', "dl_limit"),
        _preferred("up_limit", '{"up_limit": 204800}', "up_limit"),
        _preferred("up_limit 0", '{"up_limit": 0}', "up_limit"),
        _preferred(
            "alternative limits",
            '{"alt_dl_limit": 307200, "alt_up_limit": 204800}',
            "alt_dl_limit",
            "alt_up_limit",
        ),
        _preferred("max_active_downloads", '{"max_active_downloads": 7}', "max_active_downloads"),
        _preferred("max_active_downloads 0", '{"max_active_downloads": 0}', "max_active_downloads"),
        _preferred(
            "max_active_downloads back", '{"max_active_downloads": 30}', "max_active_downloads"
        ),
        _preferred("queueing off", '{"queueing_enabled": false}', "queueing_enabled"),
        _preferred("queueing on", '{"queueing_enabled": true}', "queueing_enabled"),
        _preferred("start paused", '{"start_paused_enabled": true}', "start_paused_enabled"),
        _preferred("start at once", '{"start_paused_enabled": false}', "start_paused_enabled"),
        _preferred("not managed", '{"auto_tmm_enabled": false}', "auto_tmm_enabled"),
        _preferred("managed", '{"auto_tmm_enabled": true}', "auto_tmm_enabled"),
        _preferred(
            "a ratio",
            '{"max_ratio_enabled": true, "max_ratio": 2}',
            "max_ratio",
            "max_ratio_enabled",
        ),
        _preferred(
            "no ratio",
            '{"max_ratio_enabled": false, "max_ratio": -1}',
            "max_ratio",
            "max_ratio_enabled",
        ),
        _preferred(
            "a seeding time",
            '{"max_seeding_time_enabled": true, "max_seeding_time": 60}',
            "max_seeding_time",
            "max_seeding_time_enabled",
        ),
        _preferred(
            "no seeding time",
            '{"max_seeding_time_enabled": false, "max_seeding_time": -1}',
            "max_seeding_time",
            "max_seeding_time_enabled",
        ),
        _preferred("what is done at the ratio", '{"max_ratio_act": 0}', "max_ratio_act"),
        _preferred("another folder", '{"save_path": "$own_downloads/other"}', "save_path"),
        Case(
            endpoint="app/defaultSavePath",
            name="after it was changed",
            call=Call(path="app/defaultSavePath"),
        ),
        _preferred("the folder back", '{"save_path": "$own_downloads"}', "save_path"),
        _preferred("several", '{"dl_limit": 1024, "up_limit": 2048}', "dl_limit", "up_limit"),
        _preferred("several back", '{"dl_limit": 0, "up_limit": 0}', "dl_limit", "up_limit"),
    ),
)

LOGIN = "auth/login"
RIGHT = {"username": "admin", "password": "adminadmin"}


def _login(name: str, form: dict[str, str], **more: str) -> Case:
    return Case(
        endpoint=LOGIN,
        name=name,
        call=Call(path=LOGIN, method="POST", form=form, session="none", **more),
        told=Compared(headers=("set-cookie",)),
    )


def _banned(name: str, password: str) -> Case:
    """A login from an address of its own, so that only that one gets banned."""
    return _login(name, {"username": "admin", "password": password}, source="127.0.0.2")


DOORS = Scene(
    name="auth",
    cases=(
        Case(endpoint=LOGIN, name="GET instead", call=Call(path=LOGIN, session="none")),
        Case(endpoint=LOGIN, name="PUT instead", call=Call(path=LOGIN, method="PUT")),
        _login("no parameters", {}),
        _login("no username", {"password": "adminadmin"}),
        _login("no password", {"username": "admin"}),
        _login("good", RIGHT),
        Case(
            endpoint="app/version",
            name="with the session of a login",
            call=Call(path="app/version", session="latest"),
        ),
        Case(
            endpoint=LOGIN,
            name="in a session already",
            call=Call(path=LOGIN, method="POST", form=RIGHT, session="latest"),
            told=Compared(headers=("set-cookie",)),
        ),
        Case(
            endpoint=LOGIN,
            name="wrong, in a session already",
            call=Call(
                path=LOGIN,
                method="POST",
                form={"username": "admin", "password": "wrong"},
                session="latest",
            ),
            told=Compared(headers=("set-cookie",)),
        ),
        _login("wrong password", {**RIGHT, "password": "wrong"}),
        _login("wrong user", {**RIGHT, "username": "nobody"}),
        _login("with an old session", RIGHT),
        Case(
            endpoint=LOGIN,
            name="multipart",
            call=Call(path=LOGIN, method="POST", form=RIGHT, multipart=True, session="none"),
            told=Compared(headers=("set-cookie",)),
        ),
        Case(
            endpoint=LOGIN,
            name="parameters in the query",
            call=Call(path=LOGIN, method="POST", query=RIGHT, session="none"),
            told=Compared(headers=("set-cookie",)),
        ),
        _login("good again", RIGHT),
        Case(
            endpoint="auth/logout",
            name="GET instead",
            call=Call(path="auth/logout", session="latest"),
        ),
        Case(
            endpoint="auth/logout",
            name="no session",
            call=Call(path="auth/logout", method="POST", session="none"),
        ),
        Case(
            endpoint="auth/logout",
            name="unknown session",
            call=Call(path="auth/logout", method="POST", session="unknown"),
        ),
        Case(
            endpoint="auth/logout",
            name="good",
            call=Call(path="auth/logout", method="POST", session="latest"),
            told=Compared(headers=("set-cookie",)),
        ),
        Case(
            endpoint="app/version",
            name="after logout",
            call=Call(path="app/version", session="latest"),
        ),
        *(_banned(f"wrong, from elsewhere, {count}", "wrong") for count in range(1, 6)),
        _banned("banned", "wrong"),
        _banned("banned, with the right password", "adminadmin"),
        Case(
            endpoint="app/version",
            name="banned address, valid session",
            call=Call(path="app/version", source="127.0.0.2"),
        ),
        _login("from where nothing was wrong", RIGHT),
    ),
)


def _nobody(path: str, name: str, form: dict[str, str] | None = None, **more: str) -> Case:
    """A call of somebody who is not known, where nobody has to be."""
    call = Call(
        path=path,
        method="GET" if form is None else "POST",
        form=form,
        **{"session": "none", **more},
    )
    return Case(
        endpoint=path,
        name=name,
        call=call,
        told=Compared(headers=("set-cookie",), shape=False),
    )


OPEN = Scene(
    name="no login",
    open=True,
    cases=(
        _nobody("app/version", "open: no session"),
        _nobody("app/version", "open: unknown session", session="unknown"),
        _nobody("torrents/info", "open: no session"),
        _nobody("torrents/pause", "open: no session", {"hashes": NOBODYS}),
        _nobody(LOGIN, "open: right", RIGHT),
        _nobody(LOGIN, "open: wrong", {"username": "x", "password": "y"}),
        _nobody(LOGIN, "open: blank", {"username": "", "password": ""}),
        _nobody(LOGIN, "open: no parameters", {}),
        _nobody("app/version", "open: after a login", session="latest"),
        _nobody("auth/logout", "open: no session", {}),
        _nobody("auth/logout", "open: after a login", {}, session="latest"),
    ),
)


def _http(name: str, call: Call, *headers: str) -> Case:
    return Case(endpoint="any", name=name, call=call, told=Compared(headers=headers))


SAFETY = (
    "cache-control",
    "content-security-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
    "x-xss-protection",
)
"""What a qBittorrent tells browsers with every answer."""

VERSION = "app/version"

HTTP = Scene(
    name="http",
    cases=(
        _http("unknown group", Call(path="nothing/info")),
        _http("unknown name", Call(path="torrents/nothing")),
        _http("unknown name, POST", Call(path="torrents/nothing", method="POST", form={"a": "b"})),
        _http("unknown name, no session", Call(path="torrents/nothing", session="none")),
        _http("a group alone", Call(path="torrents")),
        _http("a slash at the end", Call(path="app/version/")),
        _http("capitals", Call(path="App/Version")),
        _http("nothing after v2", Call(path="")),
        _http("another version of the API", Call(path="/api/v1/app/version")),
        _http("the API of qBittorrent 3", Call(path="/query/torrents")),
        _http("HEAD", Call(path=VERSION, method="HEAD")),
        _http("headers of an answer", Call(path=VERSION), *SAFETY),
        _http("headers of a refusal", Call(path=VERSION, session="none"), *SAFETY),
        _http(
            "compressed",
            Call(path="app/preferences", headers={"Accept-Encoding": "gzip"}),
            "content-encoding",
        ),
        _http("a foreign Origin", Call(path=VERSION, headers={"Origin": "http://e.example"})),
        _http("a foreign Referer", Call(path=VERSION, headers={"Referer": "http://e.example/x"})),
        _http(
            "a foreign Origin, POST",
            Call(
                path="torrents/pause",
                method="POST",
                form={"hashes": NOBODYS},
                headers={"Origin": "http://e.example"},
            ),
        ),
        _http(
            "an Origin that is its own",
            Call(
                path="torrents/pause",
                method="POST",
                form={"hashes": NOBODYS},
                headers={"Origin": "http://127.0.0.1:$own_port"},
            ),
        ),
        _http("Origin: null", Call(path=VERSION, headers={"Origin": "null"})),
        _http("a foreign Host", Call(path=VERSION, headers={"Host": "e.example"})),
        _http("a foreign port in Host", Call(path=VERSION, headers={"Host": "127.0.0.1:1"})),
        _http("localhost as Host", Call(path=VERSION, headers={"Host": "localhost:$own_port"})),
        _http(
            "a foreign X-Forwarded-Host",
            Call(path=VERSION, headers={"X-Forwarded-Host": "e.example"}),
        ),
        _http(
            "parameters in the query of a POST",
            Call(path="torrents/pause", method="POST", query={"hashes": NOBODYS}),
        ),
        _http("a POST without body", Call(path="torrents/pause", method="POST")),
        _http(
            "JSON as body",
            Call(
                path="torrents/pause",
                method="POST",
                body=b'{"hashes": "all"}',
                headers={"Content-Type": "application/json"},
            ),
        ),
        _http(
            "a form without content type",
            Call(path="torrents/pause", method="POST", body=b"hashes=" + NOBODYS.encode()),
        ),
        _http(
            "a form in another charset",
            Call(
                path="torrents/pause",
                method="POST",
                body=b"hashes=" + NOBODYS.encode(),
                headers={"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
            ),
        ),
        _http(
            "a broken multipart form",
            Call(
                path="torrents/pause",
                method="POST",
                body=b"no boundary here",
                headers={"Content-Type": "multipart/form-data; boundary=x"},
            ),
        ),
        _http("bytes that are no UTF-8", Call(path="torrents/info?category=%ff%fe")),
        _http("a parameter twice", Call(path=f"torrents/info?hashes={NOBODYS}&hashes=all")),
    ),
)


def _effect(path: str, name: str, look: Look, **form: str) -> Case:
    return Case(
        endpoint=f"torrents/{path}",
        name=name,
        call=Call(path=f"torrents/{path}", method="POST", form=form),
        look=look,
    )


ON_DISK = Look(folder="$own_downloads")

EFFECTS = Scene(
    name="files on the disk",
    complete=("gone.mkv", "kept.mkv", "renamed", "carried", "sorted"),
    first=(
        Call(
            path="torrents/createCategory",
            method="POST",
            form={"category": "films", "savePath": "$own_downloads/films"},
        ),
    ),
    cases=(
        _effect("delete", "with files", ON_DISK, hashes="$gone", deleteFiles="true"),
        _effect("delete", "without files", ON_DISK, hashes="$kept", deleteFiles="false"),
        _effect(
            "renameFile",
            "of complete files",
            ON_DISK,
            hash="$renamed",
            oldPath="renamed/a.txt",
            newPath="renamed/other/z.txt",
        ),
        _effect(
            "renameFolder",
            "of complete files",
            ON_DISK,
            hash="$renamed",
            oldPath="renamed/sub",
            newPath="renamed/folder",
        ),
        _effect(
            "setLocation",
            "of complete files",
            ON_DISK,
            hashes="$carried",
            location="$own_downloads/carried away",
        ),
        _effect(
            "setLocation",
            "as shown",
            Look(query={"hashes": "$carried"}, fields=("save_path", "content_path", "auto_tmm")),
            hashes="$carried",
            location="$own_downloads/carried away",
        ),
        _effect("setCategory", "of complete files", ON_DISK, hashes="$sorted", category="films"),
        _effect(
            "setCategory",
            "as shown",
            Look(query={"hashes": "$sorted"}, fields=("save_path", "content_path", "category")),
            hashes="$sorted",
            category="films",
        ),
        _effect(
            "editCategory",
            "with complete files",
            ON_DISK,
            category="films",
            savePath="$own_downloads/pictures",
        ),
        _effect("recheck", "of complete files", seen("phase", "progress"), hashes="$film|$pack"),
    ),
)


def _feature(endpoint: str, name: str = "good", **form: str) -> Case:
    return Case(endpoint=endpoint, name=name, call=Call(path=endpoint, method="POST", form=form))


FEATURES = Scene(
    name="rss and search",
    cases=(
        _feature("rss/addFolder", "no parameters"),
        _feature("rss/addFeed", "no parameters"),
        _feature("rss/setRule", "no parameters"),
        _feature("rss/addFeed", "no URL", url="", path=""),
        _feature("search/start", "no parameters"),
        _feature("search/start", pattern="x", category="all", plugins="all"),
        _feature("search/installPlugin", "no parameters"),
        _feature("search/uninstallPlugin", "no parameters"),
        _feature("search/uninstallPlugin", "unknown plugin", names="none-such"),
        _feature("search/updatePlugins"),
    ),
)

END = Scene(
    name="the end",
    torrents=("paused", "waiting"),
    cases=(
        Case(
            endpoint="torrents/delete",
            name="all that there is",
            call=Call(
                path="torrents/delete",
                method="POST",
                form={"hashes": "all", "deleteFiles": "true"},
            ),
            look=Look(fields=("name",)),
        ),
        Case(endpoint="app/shutdown", name="GET instead", call=Call(path="app/shutdown")),
        Case(
            endpoint="app/shutdown",
            name="no session",
            call=Call(path="app/shutdown", method="POST", session="none"),
        ),
        Case(
            endpoint="app/shutdown",
            name="good",
            call=Call(path="app/shutdown", method="POST"),
            look=Look(alive=True),
        ),
    ),
)

SCENES = (
    *(scene_of(endpoint) for endpoint in ENDPOINTS),
    FILES,
    SPELLINGS,
    URLS,
    NO_FILES,
    COMPLETE,
    LISTS,
    INCREMENTS,
    PREFERENCES,
    HTTP,
    DOORS,
    OPEN,
    EFFECTS,
    FEATURES,
    CLIENT,
    END,
)
