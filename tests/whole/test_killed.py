"""kill -9 at any moment costs no more than a ring, and never a byte."""

import random
import time
from pathlib import Path

from tests.engine.jobs.world import Torrent
from tests.fakes.filehost import FileHost, Pattern

MIB = 1 << 20
KILLS = 50
VERIFIED_KILLS = 8
RING = 8 * MIB
CONNECTIONS = 2
RATE = 20 * MIB
"""Bytes per second of each connection: slow enough for nothing to pile up in the system's
buffers, which would count as fetched although it never reached us."""

IN_FLIGHT = CONNECTIONS * MIB
"""Bytes the host counts as sent before it sends them: a piece for each connection."""

FILM = Pattern(400 * MIB + 4321, seed=50)
INFOHASH = "50" * 20


def test_killed_fifty_times_the_film_is_exact_and_little_was_fetched_twice(make_service, alldebrid):
    chance = random.Random(50)
    with FileHost({"/film": FILM}) as host:
        line = host.trickles(RATE)
        alldebrid.hold(
            INFOHASH, "Film.mkv", {"Film.mkv": FILM.size}, file_host=lambda _: host.url("/film")
        )
        service = make_service(
            RAM_BUFFER_PER_DOWNLOAD=str(RING),
            ARIA2_CONNECTIONS=str(CONNECTIONS),
            LOG_LEVEL="WARNING",
        )
        service.start()
        with service.client() as client:
            client.torrents_add(urls=f"magnet:?xt=urn:btih:{INFOHASH}&dn=Film.mkv")
        for kill in range(KILLS):
            asked = len(host.requests)
            wait_for(lambda asked=asked: len(host.requests) > asked, service)
            time.sleep(chance.uniform(0, 0.25))  # the moment of the kill is what is tried
            service.kill()
            assert host.served_again("/film") <= (kill + 1) * (RING + IN_FLIGHT)
            service.start()
        line.lift()

        shown = service.wait_for(INFOHASH, "pausedUP", timeout=120)

        assert Path(shown.content_path).read_bytes() == FILM.read()
        assert service.memory() < 100e6
        assert service.stop() == 0


def test_killed_while_a_torrent_is_verified_every_file_is_exact(make_service, alldebrid):
    chance = random.Random(12)
    sizes = {"E01.mkv": 30 * MIB + 1, "Subs/E01.srt": 70_000, "E02.mkv": 25 * MIB, "E02.nfo": 77}
    show = Torrent("Show.S01", {path: chance.randbytes(size) for path, size in sizes.items()})
    with FileHost({f"/{path}": data for path, data in show.paths.items()}) as host:
        line = host.trickles(RATE)
        wrong = host.corrupts(20 * MIB, path="/Show.S01/E01.mkv")
        alldebrid.hold(
            show.infohash, show.name, show.paths, file_host=lambda path: host.url(f"/{path}")
        )
        service = make_service(RAM_BUFFER_PER_DOWNLOAD=str(RING), LOG_LEVEL="WARNING")
        service.start()
        with service.client() as client:
            client.torrents_add(torrent_files=show.metainfo)
        for _ in range(VERIFIED_KILLS):
            asked = len(host.requests)
            wait_for(lambda asked=asked: len(host.requests) > asked, service)
            time.sleep(chance.uniform(0, 0.25))
            service.kill()
            service.start()
        line.lift()

        shown = service.wait_for(show.infohash, "pausedUP", timeout=120)

        assert wrong.hits == 1
        for path, data in show.paths.items():
            assert (Path(shown.save_path) / path).read_bytes() == data, path
        assert service.stop() == 0


def wait_for(condition, service, timeout=60.0):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, service.output.read_text()
        time.sleep(0.005)
