"""The whole comparison, or parts of it: `python -m benchmarks --help`.

Each situation that was run leaves its raw figures in a file of its own; the report is made of
whatever such files there are. So situations can be measured one at a time, and again.
"""

import argparse
import contextlib
import datetime as dt
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from api.sizes import format_size, parse_size
from benchmarks import machine, report
from benchmarks.catalogue import situations
from benchmarks.situation import Context, Result, Situation

SHARED_MEMORY = Path("/dev/shm")
ROOM = 2
"""How many files of the size the disk must have room for: the largest situations hold two."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for, and write the report."""
    chosen = _parser().parse_args(arguments)
    known = situations()
    numbers = chosen.only or list(known)
    if unknown := [number for number in numbers if number not in known]:
        print(f"no such situation: {unknown}; there are {list(known)}")
        return 2
    os.environ["PATH"] += ":/usr/sbin:/sbin"  # Debian has nginx there
    failed = []
    if not chosen.render_only:
        if complaint := machine.missing():
            print(complaint)
        failed = [number for number in numbers if not _measure(known[number], chosen)]
    report.write(chosen.report, chosen.json, known)
    print(f"{chosen.report} is written")
    if failed:
        print(f"could not be measured: {', '.join(map(str, failed))}")
    return 1 if failed else 0


def _measure(situation: Situation, chosen: argparse.Namespace) -> bool:
    """Run one situation and keep its figures; return whether that worked."""
    print(f"{situation.number}. {situation.title}", flush=True)
    if absent := situation.needs - machine.there():
        print(f"  left out: it needs {', '.join(sorted(absent))}")
        return False
    began = time.monotonic()
    try:
        with _folders(chosen.work) as (work, memory):
            context = Context(
                size=chosen.size,
                runs=chosen.runs,
                work=work,
                memory=memory,
                peers=machine.there(),
                say=lambda text: print(text, flush=True),
            )
            _check_room(context)
            runs = situation.run(context)
            result = Result(
                number=situation.number,
                name=situation.name,
                size=chosen.size,
                runs_each=chosen.runs,
                date=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                command=f"make bench ARGS='--only {situation.number}"
                f" --size {format_size(chosen.size)} --runs {chosen.runs}'",
                seconds=round(time.monotonic() - began, 1),
                machine=machine.machine(work),
                versions=machine.versions(),
                runs=tuple(runs),
            )
    except Exception as problem:
        print(f"  broke off: {type(problem).__name__}: {problem}")
        if chosen.traceback:
            raise
        return False
    report.keep(result, chosen.json)
    for check in situation.verdict(runs):
        print(f"  {report.mark(check)} {check.what}: {check.required}, {check.measured}")
    return True


@contextlib.contextmanager
def _folders(parent: Path) -> Iterator[tuple[Path, Path]]:
    """Make a folder on the disk and one in memory, both gone afterwards."""
    parent.mkdir(parents=True, exist_ok=True)
    fast = SHARED_MEMORY if SHARED_MEMORY.is_dir() else parent
    with contextlib.ExitStack() as stack:
        names = [
            stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=folder))
            for folder in (parent.resolve(), fast)
        ]
        yield Path(names[0]), Path(names[1])


def _check_room(context: Context) -> None:
    for folder, files in ((context.work, ROOM), (context.memory, 1)):
        free = shutil.disk_usage(folder).free
        if free < files * context.size:
            raise RuntimeError(
                f"{free / 1e9:.0f} GB free where {files * context.size / 1e9:.0f} GB are needed;"
                " --work names another folder, --size a smaller file"
            )


def _parser() -> argparse.ArgumentParser:
    results = Path(__file__).with_name("results")
    parser = argparse.ArgumentParser(prog="benchmarks", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", type=_numbers, metavar="1,3", help="situations; all by default")
    parser.add_argument("--runs", type=int, default=3, help="of each contestant (3)")
    parser.add_argument("--size", type=parse_size, default=parse_size("4G"), help="file size (4G)")
    parser.add_argument(
        "--work",
        type=Path,
        default=Path.cwd(),
        help="folder on the disk that is to be written to; what is made in it is removed (.)",
    )
    parser.add_argument("--json", type=Path, default=results, help="folder of the raw figures")
    parser.add_argument(
        "--report", type=Path, default=Path("BENCHMARK.md"), help="where the report goes"
    )
    parser.add_argument("--render-only", action="store_true", help="measure nothing")
    parser.add_argument("--traceback", action="store_true", help="for looking into what broke off")
    return parser


def _numbers(text: str) -> list[int]:
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise argparse.ArgumentTypeError("numbers with commas between them")
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
