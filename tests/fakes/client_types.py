"""The types that strict clients decode our answers into.

Go refuses a whole answer when a whole number comes as `1.0`, a string as null or a boolean as 0.
.NET takes whole numbers of 32 bits for some fields. A field that is not named here is not read.
"""

from collections.abc import Iterable
from typing import Any

INT, FLOAT, TEXT, FLAG, LIST = "whole number", "number", "text", "boolean", "list"
SMALL = "whole number of 32 bits"


def fields(
    *, ints: str = "", small: str = "", floats: str = "", texts: str = "", flags: str = ""
) -> dict[str, str]:
    """Turn kinds with the names of their fields into fields with their kinds."""
    named = {INT: ints, SMALL: small, FLOAT: floats, TEXT: texts, FLAG: flags}
    return {field: kind for kind, names in named.items() for field in names.split()}


GO_TORRENT = fields(
    ints="added_on amount_left completed completion_on dl_limit dlspeed downloaded"
    " downloaded_session eta last_activity max_seeding_time num_complete num_incomplete"
    " num_leechs num_seeds priority seeding_time seeding_time_limit seen_complete size"
    " time_active total_size trackers_count up_limit uploaded uploaded_session upspeed"
    " inactive_seeding_time_limit max_inactive_seeding_time",
    floats="availability max_ratio progress ratio ratio_limit",
    texts="category content_path download_path hash infohash_v1 infohash_v2 magnet_uri name"
    " save_path state tags tracker",
    flags="auto_tmm f_l_piece_prio force_start seq_dl super_seeding",
)
"""torrents/info and sync/maindata in go-qbittorrent: Autobrr and qui."""

GO_PROPERTIES = fields(
    ints="addition_date completion_date creation_date dl_limit dl_speed dl_speed_avg eta"
    " last_seen nb_connections nb_connections_limit peers peers_total piece_size pieces_have"
    " pieces_num reannounce seeding_time seeds seeds_total time_elapsed total_downloaded"
    " total_downloaded_session total_size total_uploaded total_uploaded_session total_wasted"
    " up_limit up_speed up_speed_avg",
    floats="share_ratio",
    texts="comment created_by download_path hash infohash_v1 infohash_v2 name save_path",
)

GO_FILE = fields(ints="index priority size", floats="availability progress", texts="name") | {
    "piece_range": LIST
}

GO_TRACKER = fields(
    ints="status num_peers num_seeds num_leeches num_downloaded tier", texts="url msg"
)

GO_TRANSFER = fields(
    ints="dht_nodes dl_info_data dl_info_speed dl_rate_limit up_info_data up_info_speed"
    " up_rate_limit",
    texts="connection_status",
)

GO_SERVER_STATE = GO_TRANSFER | fields(
    ints="alltime_dl alltime_ul average_time_queue free_space_on_disk queued_io_jobs"
    " refresh_interval total_buffers_size total_peer_connections total_queued_size"
    " total_wasted_session",
    texts="global_ratio read_cache_hits read_cache_overload write_cache_overload",
    flags="queueing use_alt_speed_limits",
)

GO_PREFERENCES = fields(
    ints="alt_dl_limit alt_up_limit async_io_threads auto_delete_mode bittorrent_protocol"
    " checking_memory_use connection_speed disk_cache disk_cache_ttl disk_io_read_mode"
    " disk_io_type disk_io_write_mode disk_queue_size dl_limit dyndns_service"
    " embedded_tracker_port encryption file_pool_size hashing_threads listen_port"
    " max_active_checking_torrents max_active_downloads max_active_torrents max_active_uploads"
    " max_concurrent_http_announces max_connec max_connec_per_torrent max_ratio_act"
    " max_seeding_time max_uploads max_uploads_per_torrent memory_working_set_limit"
    " outgoing_ports_max outgoing_ports_min peer_tos peer_turnover peer_turnover_cutoff"
    " peer_turnover_interval proxy_port refresh_interval request_queue_size"
    " rss_max_articles_per_feed rss_refresh_interval save_resume_data_interval"
    " schedule_from_hour schedule_from_min schedule_to_hour schedule_to_min scheduler_days"
    " send_buffer_low_watermark send_buffer_watermark send_buffer_watermark_factor"
    " slow_torrent_dl_rate_threshold slow_torrent_inactive_timer"
    " slow_torrent_ul_rate_threshold socket_backlog_size stop_tracker_timeout up_limit"
    " upload_choking_algorithm upload_slots_behavior upnp_lease_duration utp_tcp_mixed_mode"
    " web_ui_ban_duration web_ui_max_auth_fail_count web_ui_port web_ui_session_timeout",
    floats="max_ratio",
    texts="add_trackers alternative_webui_path announce_ip autorun_program banned_IPs"
    " bypass_auth_subnet_whitelist current_interface_address current_network_interface"
    " dyndns_domain dyndns_password dyndns_username excluded_file_names export_dir"
    " export_dir_fin ip_filter_path locale mail_notification_email mail_notification_password"
    " mail_notification_sender mail_notification_smtp mail_notification_username proxy_ip"
    " proxy_password proxy_username resume_data_storage_type rss_smart_episode_filters"
    " save_path temp_path torrent_content_layout web_ui_address web_ui_custom_http_headers"
    " web_ui_domain_list web_ui_https_cert_path web_ui_https_key_path"
    " web_ui_reverse_proxies_list web_ui_username",
    flags="add_trackers_enabled alternative_webui_enabled announce_to_all_tiers"
    " announce_to_all_trackers anonymous_mode auto_tmm_enabled autorun_enabled"
    " bypass_auth_subnet_whitelist_enabled bypass_local_auth category_changed_tmm_enabled dht"
    " dont_count_slow_torrents incomplete_files_ext limit_lan_peers limit_tcp_overhead"
    " limit_utp_rate lsd max_ratio_enabled max_seeding_time_enabled pex preallocate_all"
    " queueing_enabled random_port recheck_completed_torrents save_path_changed_tmm_enabled"
    " scheduler_enabled start_paused_enabled temp_path_enabled torrent_changed_tmm_enabled upnp"
    " use_https web_ui_csrf_protection_enabled web_ui_host_header_validation_enabled"
    " web_ui_secure_cookie_enabled",
)

DOTNET_TORRENT = fields(
    small="dlspeed upspeed priority num_seeds num_complete num_leechs num_incomplete dl_limit"
    " up_limit",
    ints="size downloaded uploaded downloaded_session uploaded_session amount_left completed"
    " total_size eta added_on completion_on seen_complete last_activity time_active"
    " seeding_time",
    floats="progress ratio ratio_limit",
    texts="hash name magnet_uri state category tags save_path content_path tracker",
    flags="seq_dl f_l_piece_prio super_seeding force_start auto_tmm",
)
"""torrents/info in QBittorrent.Client: Cleanuparr."""

_STATES = (
    "unknown error missingFiles pausedUP pausedDL stoppedUP stoppedDL queuedUP queuedDL uploading"
    " stalledUP checkingUP checkingDL downloading stalledDL metaDL forcedMetaDL forcedUP forcedDL"
    " allocating queuedForChecking checkingResumeData moving"
)
DOTNET_STATES = frozenset(_STATES.split())
"""Any other state is an error to Cleanuparr's library, and the list is not read at all."""

DOTNET_PROPERTIES = fields(
    small="nb_connections nb_connections_limit peers peers_total seeds seeds_total pieces_have"
    " pieces_num",
    ints="creation_date total_size total_wasted total_uploaded total_downloaded up_limit"
    " dl_limit time_elapsed seeding_time addition_date dl_speed_avg dl_speed eta last_seen"
    " piece_size reannounce",
    floats="share_ratio",
    texts="save_path comment created_by",
)

NODE_TORRENT = fields(
    ints="added_on amount_left completed completion_on dlspeed downloaded eta num_complete"
    " num_incomplete num_leechs num_seeds priority size total_size uploaded upspeed",
    floats="progress ratio",
    texts="hash infohash_v1 name category content_path save_path state tags tracker",
    flags="auto_tmm",
)
"""Cross-seed, Flood, Homarr, Homepage and VueTorrent: fields they call a method of, or count with
without looking whether they are there."""


def is_of(value: Any, kind: str) -> bool:
    """Return whether a decoded JSON value is of a kind; true is no number here."""
    match kind:
        case "whole number":
            return type(value) is int and -(2**63) <= value < 2**63
        case "whole number of 32 bits":
            return type(value) is int and -(2**31) <= value < 2**31
        case "number":
            return type(value) in {int, float}
        case "text":
            return type(value) is str
        case "boolean":
            return type(value) is bool
        case _:
            return type(value) is list


def misfits(shown: dict[str, Any], wanted: dict[str, str], *, partial: bool = False) -> list[str]:
    """Name the fields that are missing or of another kind; of a `partial` object only the kind."""
    return list(_misfits(shown, wanted, partial=partial))


def _misfits(shown: dict[str, Any], wanted: dict[str, str], *, partial: bool) -> Iterable[str]:
    for field, kind in wanted.items():
        if field not in shown:
            if not partial:
                yield f"{field} is missing"
        elif not is_of(shown[field], kind):
            yield f"{field} is {shown[field]!r} and no {kind}"
