"""The same calls through the qbittorrent-api package: what a program written with it gets.

What a method returns, or which exception it raises, is put into the form of an answer, so that it
is compared as answers are.
"""

import contextlib
import json
from collections import UserList
from collections.abc import Iterator
from typing import Any

import qbittorrentapi

from tests.conformance.calls import Door, filled
from tests.conformance.cases import NOBODYS, Asked, Case, Scene
from tests.conformance.compare import JSON, Answer, Compared
from tests.conformance.endpoints import CATEGORY, TAGS
from tests.conformance.servers import PASSWORD, USERNAME
from tests.conformance.shelf import Made

LEFT_OUT = frozenset({"app_shutdown", "transfer_toggle_speed_limits_mode", "torrents_pause"})
"""Methods that are not called: the first ends the server, the others are another name."""

METHODS: dict[str, dict[str, Any]] = {
    "app_version": {},
    "app_web_api_version": {},
    "app_build_info": {},
    "app_preferences": {},
    "app_set_preferences": {"prefs": {"dl_limit": 0}},
    "app_default_save_path": {},
    "app_network_interface_list": {},
    "app_network_interface_address_list": {"interface_name": "lo"},
    "app_cookies": {},
    "app_set_cookies": {"cookies": []},
    "app_get_directory_content": {"directory_path": "/"},
    "app_get_free_space_at_path": {"path": "/"},
    "app_process_info": {},
    "app_send_test_email": {},
    "app_rotate_api_key": {},
    "app_delete_api_key": {},
    "auth_log_in": {},
    "log_main": {"normal": False, "info": False, "warning": False, "critical": False},
    "log_peers": {"last_known_id": -1},
    "sync_maindata": {},
    "sync_torrent_peers": {"torrent_hash": "$paused"},
    "transfer_info": {},
    "transfer_speed_limits_mode": {},
    "transfer_set_speed_limits_mode": {"intended_state": False},
    "transfer_download_limit": {},
    "transfer_upload_limit": {},
    "transfer_set_download_limit": {"limit": 0},
    "transfer_set_upload_limit": {"limit": 0},
    "transfer_ban_peers": {"peers": ["192.0.2.1:6881"]},
    "transfer_speed_limits": {},
    "transfer_set_speed_limits": {"download_limit": 0},
    "transfer_pause_session": {},
    "transfer_resume_session": {},
    "torrents_info": {"status_filter": "paused", "sort": "name"},
    "torrents_count": {},
    "torrents_properties": {"torrent_hash": "$paused"},
    "torrents_trackers": {"torrent_hash": "$paused"},
    "torrents_webseeds": {"torrent_hash": "$paused"},
    "torrents_files": {"torrent_hash": "$paused"},
    "torrents_piece_hashes": {"torrent_hash": "$paused"},
    "torrents_piece_states": {"torrent_hash": "$paused"},
    "torrents_piece_availability": {"torrent_hash": "$paused"},
    "torrents_export": {"torrent_hash": "$paused"},
    "torrents_ssl_parameters": {"torrent_hash": "$paused"},
    "torrents_categories": {},
    "torrents_tags": {},
    "torrents_download_limit": {"torrent_hashes": "$paused"},
    "torrents_upload_limit": {"torrent_hashes": "$paused"},
    "torrents_add": {"torrent_files": Made("by client").torrent, "is_paused": True},
    "torrents_stop": {"torrent_hashes": "$paused"},
    "torrents_start": {"torrent_hashes": "$paused"},
    "torrents_recheck": {"torrent_hashes": "$spare"},
    "torrents_reannounce": {"torrent_hashes": "$paused"},
    "torrents_top_priority": {"torrent_hashes": "$paused"},
    "torrents_bottom_priority": {"torrent_hashes": "$paused"},
    "torrents_increase_priority": {"torrent_hashes": "$paused"},
    "torrents_decrease_priority": {"torrent_hashes": "$paused"},
    "torrents_create_category": {"name": "clips"},
    "torrents_edit_category": {"name": "clips", "save_path": "$own_downloads/cut"},
    "torrents_set_category": {"category": "films", "torrent_hashes": "$paused"},
    "torrents_remove_categories": {"categories": ["clips"]},
    "torrents_create_tags": {"tags": ["three", "four"]},
    "torrents_add_tags": {"tags": ["one"], "torrent_hashes": "$paused"},
    "torrents_remove_tags": {"tags": ["one"], "torrent_hashes": "$paused"},
    "torrents_delete_tags": {"tags": ["three"]},
    "torrents_set_tags": {"tags": ["one"], "torrent_hashes": "$paused"},
    "torrents_set_download_limit": {"limit": 102400, "torrent_hashes": "$paused"},
    "torrents_set_upload_limit": {"limit": 102400, "torrent_hashes": "$paused"},
    "torrents_set_share_limits": {
        "ratio_limit": 2,
        "seeding_time_limit": 60,
        "torrent_hashes": "$paused",
    },
    "torrents_set_force_start": {"enable": False, "torrent_hashes": "$paused"},
    "torrents_set_super_seeding": {"enable": False, "torrent_hashes": "$paused"},
    "torrents_set_auto_management": {"enable": True, "torrent_hashes": "$paused"},
    "torrents_toggle_sequential_download": {"torrent_hashes": "$paused"},
    "torrents_toggle_first_last_piece_priority": {"torrent_hashes": "$paused"},
    "torrents_set_location": {
        "location": "$own_downloads/set by client",
        "torrent_hashes": "$spare",
    },
    "torrents_set_save_path": {
        "save_path": "$own_downloads/saved by client",
        "torrent_hashes": "$spare",
    },
    "torrents_set_download_path": {
        "download_path": "$own_downloads/unfinished by client",
        "torrent_hashes": "$spare",
    },
    "torrents_rename": {"torrent_hash": "$paused", "new_torrent_name": "renamed by client"},
    "torrents_rename_file": {
        "torrent_hash": "$spare",
        "old_path": "$spare_name/a.txt",
        "new_path": "$spare_name/z.txt",
    },
    "torrents_rename_folder": {
        "torrent_hash": "$spare",
        "old_path": "$spare_name/sub",
        "new_path": "$spare_name/folder",
    },
    "torrents_file_priority": {"torrent_hash": "$paused", "file_ids": [0, 1], "priority": 0},
    "torrents_add_trackers": {"torrent_hash": "$paused", "urls": ["http://127.0.0.1:9/more"]},
    "torrents_edit_tracker": {
        "torrent_hash": "$paused",
        "original_url": "http://127.0.0.1:9/announce",
        "new_url": "http://127.0.0.1:9/changed",
    },
    "torrents_remove_trackers": {
        "torrent_hash": "$paused",
        "urls": ["http://127.0.0.1:9/announce"],
    },
    "torrents_add_peers": {"peers": ["192.0.2.1:6881"], "torrent_hashes": "$paused"},
    "torrents_add_webseeds": {"torrent_hash": "$paused", "urls": ["http://127.0.0.1:9/"]},
    "torrents_edit_webseed": {
        "torrent_hash": "$paused",
        "orig_url": "http://127.0.0.1:9/",
        "new_url": "http://127.0.0.1:9/x",
    },
    "torrents_remove_webseeds": {"torrent_hash": "$paused", "urls": ["http://127.0.0.1:9/"]},
    "torrents_set_comment": {"comment": "said", "torrent_hashes": "$paused"},
    "torrents_set_ssl_parameters": {"torrent_hash": "$paused"},
    "torrents_download_file": {"torrent_hash": "$paused", "file": 0},
    "torrents_fetch_metadata": {"source": "magnet:?"},
    "torrents_parse_metadata": {"torrent_files": Made("by client").torrent},
    "torrents_save_metadata": {"source": "magnet:?"},
    "torrents_delete": {"delete_files": True, "torrent_hashes": "$spare"},
    "auth_log_out": {},
}
"""Every method of the groups, in the order they are called, and what with. Those that 4.5.2 has
not heard of are there too: they have to fail in the same way."""

MISTAKES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("auth_log_in", "wrong password", {"username": "admin", "password": "wrong"}),
    ("torrents_create_category", "there already", {"name": "films"}),
    ("torrents_create_category", "no name", {"name": "a//b"}),
    ("torrents_edit_category", "unknown", {"name": "none-such", "save_path": "/x"}),
    ("torrents_set_category", "unknown", {"category": "none-such", "torrent_hashes": "$paused"}),
    ("torrents_add", "no torrent", {"torrent_files": b"no bencoding"}),
    ("torrents_add", "nothing", {"urls": ""}),
    ("torrents_add", "a file that is not there", {"torrent_files": "/none-such.torrent"}),
    ("torrents_info", "unknown sort", {"sort": "no_such_field"}),
    ("torrents_rename", "empty", {"torrent_hash": "$paused", "new_torrent_name": ""}),
    ("torrents_set_location", "empty", {"location": "", "torrent_hashes": "$paused"}),
)


def answer_of(door: Door, asked: Asked) -> Answer:
    """Call a method and return what it returned as JSON, or the exception's name as text."""
    with client_of(door) as client:
        try:
            result = getattr(client, asked.method)(**_kwargs(asked, door))
        except qbittorrentapi.APIError as error:
            return Answer(
                status=int(getattr(error, "http_status_code", 0)),
                body=type(error).__name__.encode(),
            )
    if isinstance(result, bytes):
        return Answer(status=200, body=result)
    return Answer(
        status=200,
        headers={"content-type": JSON},
        body=json.dumps(result, default=_plain).encode(),
    )


@contextlib.contextmanager
def client_of(door: Door) -> Iterator[qbittorrentapi.Client]:
    """A client that logs in as it needs to, and out at the end."""
    with qbittorrentapi.Client(
        host=f"http://127.0.0.1:{door.port}",
        VERIFY_WEBUI_CERTIFICATE=False,
        REQUESTS_ARGS={"timeout": 10},
        username=USERNAME,
        password=PASSWORD,
    ) as client:
        yield client


def _plain(value: Any) -> Any:
    """Return what the package's own lists hold."""
    return list(value) if isinstance(value, UserList) else str(value)


def _kwargs(asked: Asked, door: Door) -> dict[str, Any]:
    texts = {key: value for key, value in asked.kwargs.items() if isinstance(value, str)}
    return {**asked.kwargs, **filled(texts, door.names)}


def _cases() -> Iterator[Case]:
    for method, name, kwargs in MISTAKES:
        yield _case(method, name, kwargs)
    for method, kwargs in METHODS.items():
        if "torrent_hash" in kwargs and method != "torrents_delete":
            yield _case(method, "unknown hash", {**kwargs, "torrent_hash": NOBODYS})
        yield _case(method, "good", kwargs)


def _case(method: str, name: str, kwargs: dict[str, Any]) -> Case:
    told = Compared(lengths=not method.startswith("log_"))  # what happened is its own on each
    return Case(endpoint=f"client.{method}", name=name, asks=Asked(method, kwargs), told=told)


CLIENT = Scene(
    name="qbittorrent-api",
    torrents=("paused", "waiting", "spare"),
    first=(CATEGORY, TAGS),
    cases=tuple(_cases()),
)
