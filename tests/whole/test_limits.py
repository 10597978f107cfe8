"""Speed limits hold for the whole service, and whatever ends it."""

from tests.fakes.filehost import FileHost, Pattern

MIB = 1 << 20
FILM = Pattern(3 * MIB, seed=3)
INFOHASH = "33" * 20


def test_limits_that_clients_set_are_kept_when_the_service_is_killed(make_service, alldebrid):
    with FileHost({"/film": FILM}) as host:
        alldebrid.hold(
            INFOHASH, "Film.mkv", {"Film.mkv": FILM.size}, file_host=lambda _: host.url("/film")
        )
        service = make_service(DOWNLOAD_LIMIT="64K/s")
        service.start()
        with service.client() as client:
            assert client.transfer.download_limit == 64 << 10
            assert client.app.preferences.alt_dl_limit == MIB
            client.torrents_add(urls=f"magnet:?xt=urn:btih:{INFOHASH}&dn=Film.mkv")
            client.torrents_set_download_limit(limit=2 * MIB, torrent_hashes="all")
            client.transfer.set_download_limit(limit=4 * MIB)
            client.transfer.toggle_speed_limits_mode()
        service.kill()
        service.start()
        with service.client() as client:
            assert client.transfer.speed_limits_mode == "1"
            assert client.transfer.info.dl_rate_limit == MIB
            assert client.app.preferences.dl_limit == 4 * MIB
            assert client.torrents_info()[0].dl_limit == 2 * MIB
            client.transfer.toggle_speed_limits_mode()

        service.wait_for(INFOHASH, "pausedUP", timeout=60)
        assert service.stop() == 0
