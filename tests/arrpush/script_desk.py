"""Machines that have little: a folder as PATH that holds only chosen tools, and a shell.

The script and what it hands over to are copied, so that they run without the rest of this project
and without anybody's settings beside them. A tool that is missing here skips the test, and says so.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from threading import Condition

import msgspec
import pytest

from tests.fakes.webhook import TOKEN

ROOT = Path(__file__).parents[2]
FILES = ("__init__.py", "__main__.py", "arr_push_v5.sh")
SMALL = ("awk", "date", "head", "mktemp", "od", "rm", "sed", "sleep", "tr", "wc")
"""The tools without which the script hands over to Python."""

LONGEST_RUN = 60.0
"""Seconds after which a script that hangs fails the test."""


class Machine(msgspec.Struct, frozen=True):
    """What is installed."""

    name: str
    shell: tuple[str, ...] = ("dash",)
    tools: tuple[str, ...] = ()
    applets: tuple[str, ...] = ()
    """Tools that are busybox's."""
    pythons: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


CURL = Machine("dash and curl", tools=(*SMALL, "base64", "curl"))
WGET = Machine("dash and GNU wget", tools=(*SMALL, "base64", "wget"))
BUSYBOX = Machine("busybox alone", ("busybox", "ash"), applets=(*SMALL, "base64", "wget"))
PYTHON = Machine("dash and python3", pythons=("python3",))
OLD_PYTHON = Machine("dash and python3.8", pythons=("python3.8",))
NOTHING = Machine("dash alone")

MACHINES = (CURL, WGET, BUSYBOX, PYTHON)


class Place:
    """One machine in a folder: runs the script there."""

    def __init__(self, machine: Machine, folder: Path) -> None:
        self.machine = machine
        self.folder = folder
        self.path = folder / "bin"
        self.temporary = folder / "a folder for files"
        self.package = folder / "arrpush"
        self.work = folder / "work"
        """Where it is run."""
        for made in (self.path, self.temporary, self.package, self.work):
            made.mkdir()
        for name in FILES:
            shutil.copy2(ROOT / "arrpush" / name, self.package / name)
        self.script = self.package / "arr_push_v5.sh"
        for tool in machine.tools:
            self.install(tool, needed(tool))
        for applet in machine.applets:
            self.install(applet, needed("busybox"))
        for python in machine.pythons:
            self.install("python3", interpreter(python))
        self.environ = {
            "PATH": str(self.path),
            "HOME": str(self.work),
            "TMPDIR": str(self.temporary),
            "ARRPUSH_TOKEN": TOKEN,
            "ARRPUSH_PAUSE": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def install(self, name: str, program: str) -> None:
        (self.path / name).symlink_to(program)

    def write(self, name: str, data: bytes) -> Path:
        """Return a file with these bytes, where it is run."""
        path = self.work / name
        path.write_bytes(data)
        return path

    def command(self, *arguments: str | bytes) -> list[str | bytes]:
        shell, *rest = self.machine.shell
        return [needed(shell), *rest, str(self.script), *arguments]

    def start(self, *arguments: str | bytes, **environ: str | bytes) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command(*arguments),
            env={**self.environ, **environ},
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *arguments: str | bytes, **environ: str | bytes) -> "Ran":
        """Run the script to its end; nothing may be left behind."""
        with self.start(*arguments, **environ) as process:
            out, err = process.communicate(timeout=LONGEST_RUN)
        assert self.left_behind() == []
        return Ran(process.returncode, out.decode(), err.decode())

    def left_behind(self) -> list[Path]:
        return list(self.temporary.iterdir())


class Ran(msgspec.Struct, frozen=True):
    """What became of it."""

    status: int
    out: str
    err: str


def needed(tool: str) -> str:
    """Return where a tool is; skips the test when it is not installed here."""
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"{tool} is not installed on this machine")
    if tool == "wget" and not _says(found, "--version").startswith("GNU Wget 1."):
        pytest.skip("the wget of this machine is not GNU's, version 1")
    if tool == "busybox" and "--post-file" not in _says(found, "wget", "--help"):
        pytest.skip("the busybox of this machine has no wget that sends files")
    return found


def interpreter(name: str) -> str:
    """Return a Python without this project's packages; skips the test where there is none."""
    if name == "python3":
        return str(Path(sys.executable).resolve())
    found = [shutil.which(name), *Path.home().glob(f".pyenv/versions/{name[6:]}*/bin/{name}")]
    for one in filter(None, found):
        # What a version manager puts into PATH may be there without the Python behind it.
        if told := _says(str(one), "-c", "import sys; print(sys.executable)").strip():
            return told
    pytest.skip(f"{name} is not installed on this machine")


def _says(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, check=False, text=True)
    return ran.stdout + ran.stderr if "--help" in command else ran.stdout


def wait_until_alone(folder: Path) -> None:
    """Wait until no process is left in a folder: what guards a time limit may take a second."""
    patience = Condition()
    with patience:
        for _ in range(500):
            if not command_lines(folder):
                return
            patience.wait(0.01)
    raise AssertionError(command_lines(folder))


def command_lines(folder: Path) -> list[bytes]:
    """Return the command lines of the processes in a folder, as everybody here can see them."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if folder in (process / "cwd").resolve().parents or (process / "cwd").samefile(folder):
                found.append((process / "cmdline").read_bytes())
        except OSError:
            continue  # it has ended
    return found
