"""Serves the simulated AllDebrid on loopback: `python -m engine.alldebrid.simulator --port 0`.

Prints one line, its base URL, when it takes connections, and ends when its standard input ends:
a process that started it and dies takes it along.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence

from aiohttp import web

from engine.alldebrid.simulator.app import SECONDS, Simulator
from engine.alldebrid.simulator.sample import sample

HOST = "127.0.0.1"
STDIN = 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until standard input ends."""
    parser = argparse.ArgumentParser(
        prog="python -m engine.alldebrid.simulator",
        description="A simulated AllDebrid with its own file host, on loopback. "
        "Holds one sample torrent; ends when its standard input ends.",
    )
    parser.add_argument("--port", type=int, default=0, help="port to listen on (0: any free one)")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="how long a torrent takes to get ready"
    )
    parser.add_argument(
        "--rate", type=float, default=0.0, help="bytes per second of the file host (0: no limit)"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="simulator: %(message)s")
    simulator = Simulator(seconds=options.seconds, rate=options.rate)
    simulator.hold(sample().held)
    try:
        asyncio.run(_serve(simulator, options.port))
    except OSError as error:
        sys.stderr.write(f"simulator: cannot listen on {HOST}:{options.port}: {error.strerror}\n")
        return 1
    return 0


async def _serve(simulator: Simulator, port: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    # Ctrl-C reaches the whole terminal: our parent ends us when it has finished its own work.
    loop.add_signal_handler(signal.SIGINT, ended.set if sys.stdin.isatty() else _go_on)
    runner = web.AppRunner(simulator.app(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        bound = runner.addresses[0][1]
        sys.stdout.write(f"http://{HOST}:{bound}\n")
        sys.stdout.flush()
        threading.Thread(target=_wait_for_end, args=(loop, ended), daemon=True).start()
        await ended.wait()
    finally:
        await runner.cleanup()


def _wait_for_end(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    """Read standard input to its end, in a thread: not every kind of it can be polled."""
    # Not sys.stdin: its lock, held by this thread at exit, would abort the interpreter.
    while os.read(STDIN, 1024):
        pass
    loop.call_soon_threadsafe(ended.set)


def _go_on() -> None:
    return


if __name__ == "__main__":
    sys.exit(main())
