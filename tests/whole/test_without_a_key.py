"""What somebody sees who clones the project and types `make run`."""

import hashlib
import re
import subprocess
from pathlib import Path

from engine.alldebrid.simulator.sample import sample
from tests.whole.service import COMMAND, free_port


def test_the_sample_is_added_downloaded_and_verified_and_the_service_stays_up(tmp_path):
    environment = {"PORT": str(free_port()), "LOG_LEVEL": "WARNING", "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        [COMMAND, "serve", "--local"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            if line.startswith("The service stays up"):
                break
        assert process.poll() is None
        process.terminate()
        assert process.wait(timeout=20) == 0
        assert process.stdout.read() == ""

    said = "\n".join(lines)
    assert "SIMULATED" in lines[0]
    assert re.search(r"\d+% of 192 MiB .* ETA .* RAM \d", said)
    verified = re.findall(r"Verified: (.*)\n  SHA-256 ([0-9a-f]{64})", said)
    assert len(verified) == len(sample().held.files)
    for path, digest in verified:
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == digest
        assert Path(path).is_relative_to(tmp_path / "data/downloads/simulated/complete/sample")
    assert str(environment["PORT"]) in lines[-1]


def test_a_run_without_the_key_leaves_the_real_torrents_alone(make_service, alldebrid):
    infohash = "cd" * 20
    alldebrid.hold(infohash, "Film.mkv", {"Film.mkv": 1000}, ready=False)
    service = make_service()
    service.start()
    with service.client() as client:
        client.torrents_add(urls=f"magnet:?xt=urn:btih:{infohash}&dn=Film.mkv")
    service.wait_for(infohash, "queuedDL")
    service.stop()
    before = alldebrid.magnet_id(infohash)

    key = service.environment.pop("ALLDEBRID_API_KEY")
    service.start()
    with service.client() as client:
        assert infohash not in {torrent.hash for torrent in client.torrents_info()}
    service.stop()
    service.environment["ALLDEBRID_API_KEY"] = key
    service.start()

    assert service.wait_for(infohash, "queuedDL").hash == infohash
    with service.client() as client:
        assert [torrent.hash for torrent in client.torrents_info()] == [infohash]
    assert alldebrid.magnet_id(infohash) == before
    assert alldebrid.count("magnet/delete") == 0


def test_interrupting_the_sample_is_no_failure(tmp_path):
    environment = {"PORT": str(free_port()), "LOG_LEVEL": "WARNING", "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        [COMMAND, "serve", "--local"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout:
            if "% of 192 MiB" in line:
                break
        process.terminate()
        rest = process.stdout.read()

        assert process.wait(timeout=20) == 0
    assert "failed" not in rest
