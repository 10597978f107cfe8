"""The machine and the versions, for the report: nothing that names a host, a user or a folder."""

import os
import platform
import shutil
import ssl
import subprocess
from pathlib import Path

from benchmarks.processes import numbers

PEERS = ("nginx", "aria2c", "axel", "curl", "qbittorrent-nox")

ASKED = {
    "nginx": ("nginx", "-v"),
    "aria2c": ("aria2c", "--version"),
    "axel": ("axel", "--version"),
    "curl": ("curl", "--version"),
    "qbittorrent-nox": ("qbittorrent-nox", "--version"),
}

PACKAGES = {
    "nginx": "nginx-light",
    "aria2c": "aria2",
    "axel": "axel",
    "curl": "curl",
    "qbittorrent-nox": "qbittorrent-nox",
}
"""Debian's names of them."""


def there() -> frozenset[str]:
    """Return the peers that are installed."""
    return frozenset(name for name in PEERS if shutil.which(name))


def missing() -> str:
    """Say in a line which peers are missing and how to get them; "" when all are there."""
    absent = [name for name in PEERS if name not in there()]
    if not absent:
        return ""
    packages = " ".join(PACKAGES[name] for name in absent)
    return f"missing: {', '.join(absent)} (Debian, Ubuntu: sudo apt install {packages})"


def machine(work: Path) -> dict[str, str]:
    """Describe the processor, memory, kernel and the disk that `work` is on."""
    memory = numbers(Path("/proc/meminfo")).get("MemTotal", 0) * 1024
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "disk": _disk(work),
    }


def versions() -> dict[str, str]:
    """Return the versions of what takes part."""
    found = {"Python": platform.python_version(), "OpenSSL": ssl.OPENSSL_VERSION.split()[1]}
    for name in sorted(there()):
        found[name] = _version(name)
    return found


def _version(name: str) -> str:
    done = subprocess.run(ASKED[name], capture_output=True, text=True, check=False)
    words = (done.stdout + done.stderr).replace("/", " ").split()
    words = [word.removeprefix("v") for word in words]
    return next((word for word in words if word[:1].isdigit()), "?")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        label, _, value = line.partition(":")
        if label.strip() == "model name":
            return value.strip()
    return platform.machine()


def _disk(work: Path) -> str:
    """Say which file system and what kind of device it is."""
    command = ["findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(work)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    device = work.stat().st_dev
    block = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")
    flags = [folder / "queue/rotational" for folder in (block, block / "..")]
    told = next((flag.read_text().strip() for flag in flags if flag.exists()), "unknown")
    name = block.resolve().name if block.exists() else ""
    system = done.stdout.strip() or "unknown file system"
    return f"{system} on {name or 'no block device'} (rotational: {told})"
