"""The answer to app/preferences: every setting that qBittorrent 4.5 names.

Most of them describe machinery that a debrid download has none of. They are there because clients
with strict types want the whole set, with qBittorrent's defaults or what comes nearest to "off".
The ones that decide something, and why they are what they are:

* `dht` true: Sonarr refuses magnets without trackers otherwise, and they work here.
* `queueing_enabled`, true unless a client turns it off: Sonarr's test fails without it.
* `max_ratio_enabled`, `max_ratio`, `max_ratio_act`: finished torrents are reported with a ratio of
  `max_ratio` at least, so Sonarr finds the limit reached and removes them after import; the action
  stays 0 (pause), because with 1 or 3 (remove) Sonarr refuses the whole client. See `present`.

Those without a value here can be set: see `preferred`.
"""

import msgspec

from engine.jobs.preferences import MAX_RATIO

__all__ = ["MAX_RATIO", "Preferences"]


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """Settings under qBittorrent's names and with its types."""

    # Where files go
    save_path: str
    temp_path: str
    temp_path_enabled: bool = True
    torrent_content_layout: str = "Original"
    torrent_stop_condition: str = "None"
    start_paused_enabled: bool
    auto_delete_mode: int = 0
    preallocate_all: bool = True
    incomplete_files_ext: bool = False
    auto_tmm_enabled: bool
    torrent_changed_tmm_enabled: bool = False
    save_path_changed_tmm_enabled: bool = False
    category_changed_tmm_enabled: bool = False
    use_category_paths_in_manual_mode: bool = True
    export_dir: str = ""
    export_dir_fin: str = ""
    scan_dirs: dict[str, str] = {}
    excluded_file_names_enabled: bool = False
    excluded_file_names: str = ""
    # Mail and programs
    mail_notification_enabled: bool = False
    mail_notification_sender: str = ""
    mail_notification_email: str = ""
    mail_notification_smtp: str = ""
    mail_notification_ssl_enabled: bool = False
    mail_notification_auth_enabled: bool = False
    mail_notification_username: str = ""
    mail_notification_password: str = ""
    autorun_enabled: bool = False
    autorun_program: str = ""
    autorun_on_torrent_added_enabled: bool = False
    autorun_on_torrent_added_program: str = ""
    # Connections
    listen_port: int = 0
    upnp: bool = False
    random_port: bool = False
    max_connec: int = -1
    max_connec_per_torrent: int = -1
    max_uploads: int = -1
    max_uploads_per_torrent: int = -1
    proxy_type: int = 0
    proxy_ip: str = ""
    proxy_port: int = 8080
    proxy_auth_enabled: bool = False
    proxy_username: str = ""
    proxy_password: str = ""
    proxy_peer_connections: bool = False
    proxy_torrents_only: bool = False
    proxy_hostname_lookup: bool = False
    ip_filter_enabled: bool = False
    ip_filter_path: str = ""
    ip_filter_trackers: bool = False
    banned_IPs: str = ""  # noqa: N815 - qBittorrent spells it so
    # Speed
    dl_limit: int
    up_limit: int
    alt_dl_limit: int
    alt_up_limit: int
    bittorrent_protocol: int = 0
    limit_utp_rate: bool = True
    limit_tcp_overhead: bool = False
    limit_lan_peers: bool = True
    scheduler_enabled: bool = False
    schedule_from_hour: int = 8
    schedule_from_min: int = 0
    schedule_to_hour: int = 20
    schedule_to_min: int = 0
    scheduler_days: int = 0
    # BitTorrent
    dht: bool = True
    pex: bool = False
    lsd: bool = False
    encryption: int = 0
    anonymous_mode: bool = False
    # Queue
    queueing_enabled: bool
    max_active_downloads: int
    max_active_torrents: int
    max_active_uploads: int = 0
    max_active_checking_torrents: int = 1
    dont_count_slow_torrents: bool = False
    slow_torrent_dl_rate_threshold: int = 2
    slow_torrent_ul_rate_threshold: int = 2
    slow_torrent_inactive_timer: int = 60
    # Share limits
    max_ratio_enabled: bool
    max_ratio: float
    max_seeding_time_enabled: bool
    max_seeding_time: int
    max_inactive_seeding_time_enabled: bool
    max_inactive_seeding_time: int
    max_ratio_act: int
    add_trackers_enabled: bool = False
    add_trackers: str = ""
    # Web interface
    locale: str = "en"
    web_ui_domain_list: str
    web_ui_address: str = "*"
    web_ui_port: int
    web_ui_upnp: bool = False
    use_https: bool = False
    web_ui_https_cert_path: str = ""
    web_ui_https_key_path: str = ""
    web_ui_username: str
    bypass_local_auth: bool = False
    bypass_auth_subnet_whitelist_enabled: bool
    bypass_auth_subnet_whitelist: str
    web_ui_max_auth_fail_count: int
    web_ui_ban_duration: int
    web_ui_session_timeout: int
    alternative_webui_enabled: bool = False
    alternative_webui_path: str = ""
    web_ui_clickjacking_protection_enabled: bool = False
    web_ui_csrf_protection_enabled: bool = True
    web_ui_secure_cookie_enabled: bool = False
    web_ui_host_header_validation_enabled: bool = True
    web_ui_use_custom_http_headers_enabled: bool = False
    web_ui_custom_http_headers: str = ""
    web_ui_reverse_proxy_enabled: bool
    web_ui_reverse_proxies_list: str
    dyndns_enabled: bool = False
    dyndns_service: int = 0
    dyndns_username: str = ""
    dyndns_password: str = ""
    dyndns_domain: str = ""
    # RSS
    rss_refresh_interval: int = 30
    rss_max_articles_per_feed: int = 50
    rss_processing_enabled: bool = False
    rss_auto_downloading_enabled: bool = False
    rss_download_repack_proper_episodes: bool = False
    rss_smart_episode_filters: str = ""
    # Advanced
    resume_data_storage_type: str = "SQLite"
    memory_working_set_limit: int = 512
    current_network_interface: str = ""
    current_interface_address: str = ""
    save_resume_data_interval: int = 60
    recheck_completed_torrents: bool = False
    refresh_interval: int = 1500
    resolve_peer_countries: bool = False
    reannounce_when_address_changed: bool = False
    async_io_threads: int = 10
    hashing_threads: int = 1
    file_pool_size: int = 100
    checking_memory_use: int = 32
    disk_cache: int = -1
    disk_cache_ttl: int = 60
    disk_queue_size: int = 1_048_576
    disk_io_type: int = 0
    disk_io_read_mode: int = 0
    disk_io_write_mode: int = 0
    enable_coalesce_read_write: bool = False
    enable_piece_extent_affinity: bool = False
    enable_upload_suggestions: bool = False
    send_buffer_watermark: int = 500
    send_buffer_low_watermark: int = 10
    send_buffer_watermark_factor: int = 50
    connection_speed: int = 30
    socket_backlog_size: int = 30
    outgoing_ports_min: int = 0
    outgoing_ports_max: int = 0
    upnp_lease_duration: int = 0
    peer_tos: int = 4
    utp_tcp_mixed_mode: int = 0
    idn_support_enabled: bool = False
    enable_multi_connections_from_same_ip: bool = False
    validate_https_tracker_certificate: bool = True
    ssrf_mitigation: bool = True
    block_peers_on_privileged_ports: bool = False
    enable_embedded_tracker: bool = False
    embedded_tracker_port: int = 9000
    embedded_tracker_port_forwarding: bool = False
    upload_slots_behavior: int = 0
    upload_choking_algorithm: int = 1
    announce_to_all_trackers: bool = False
    announce_to_all_tiers: bool = True
    announce_ip: str = ""
    max_concurrent_http_announces: int = 50
    stop_tracker_timeout: int = 5
    peer_turnover: int = 4
    peer_turnover_cutoff: int = 90
    peer_turnover_interval: int = 300
    request_queue_size: int = 500
    performance_warning: bool = False
