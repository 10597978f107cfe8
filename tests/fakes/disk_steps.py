"""Processes that end themselves between two system calls, many of them and quickly.

Theory
    A nursery is a process without threads that has imported what is to be tried. For each try it
    forks a child, which takes milliseconds where a fresh interpreter takes most of a second. The
    child calls a function by its name; `Steps` counts the system calls in it and sends SIGKILL to
    its own process before the one that was chosen, which is after the one before. No handler runs
    then, nothing is flushed, no lock is given back.

Rules
    What a nursery imports must not start threads: a fork would take their locks without them.
"""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.fakes.disk import Call, Disk
from tests.fakes.disk_power import Device

ROOT = Path(__file__).parents[2]

LONGEST = 60
"""Seconds after which a child is taken for one that hangs."""

DIED = -signal.SIGKILL
"""How a child ends that reached its step."""


class Steps:
    """Counts steps and dies at number `last`, counted from 1; never at 0. Any thread."""

    def __init__(self, last: int) -> None:
        self.last = last
        self.count = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Steps {self.count}/{self.last or 'all'}>"

    def __call__(self, *_: object) -> None:
        with self._lock:
            self.count += 1
            if self.count == self.last:
                os.kill(os.getpid(), signal.SIGKILL)


@contextlib.contextmanager
def dying(folder: Path, shadow: Path, last: int) -> Iterator[Steps]:
    """Have every system call below `folder` be a step, and their promises kept in `shadow`."""
    steps, device = Steps(last), Device(folder, shadow)

    def before(call: Call) -> None:
        steps()
        device.before(call)

    with contextlib.closing(device), Disk(folder, before=before, after=device.after):
        yield steps


class Nursery:
    """Forks children that have `module` imported; see the module's theory. Use it in a `with`."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: subprocess.Popen[str] | None = None

    def __repr__(self) -> str:
        return f"<Nursery {self._module}>"

    def __enter__(self) -> "Nursery":  # noqa: PYI034 - nobody inherits
        command = [sys.executable, "-m", "tests.fakes.disk_steps", self._module]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.communicate()

    def run(self, function: Callable[..., None], **arguments: Any) -> int:
        """Call a function of the module in a child; return 0, 1 if it raised, or minus a signal.

        Arguments are what JSON has; paths become strings.
        """
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        json.dump([function.__name__, arguments], self._process.stdin, default=str)
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def _nurse(module: str) -> None:
    """Fork a child for each line that comes in, and say how it ended."""
    home = importlib.import_module(module)
    for line in sys.stdin:
        assert threading.active_count() == 1
        name, arguments = json.loads(line)
        child = os.fork()
        if not child:
            _live(getattr(home, name), arguments)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _live(function: Callable[..., None], arguments: dict[str, Any]) -> None:
    """Be a child."""
    signal.alarm(LONGEST)
    os.dup2(2, 1)  # the answer is the nurse's to give
    status = 1
    try:
        function(**arguments)
        status = 0
    except BaseException:  # noqa: BLE001 - the process ends here
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    _nurse(sys.argv[1])
