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
        assert Path(path).is_relative_to(tmp_path / "data/downloads/complete/sample")
    assert str(environment["PORT"]) in lines[-1]
