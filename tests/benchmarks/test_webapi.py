"""The figures of situation 12, and the process that asks."""

import http.server
import json
import threading

import pytest

from benchmarks import machine
from benchmarks.asker import Asked, ask
from benchmarks.qbittorrent import NOX
from benchmarks.situation import US, Run
from benchmarks.webapi import (
    AT_REST,
    CHANGES,
    DOWNLOADING,
    INFO,
    LARGE,
    MEDIAN,
    RATE,
    SITUATIONS,
    SLOWEST,
    START,
    VERSION,
    figures,
)

(SITUATION,) = SITUATIONS


class Counting(http.server.BaseHTTPRequestHandler):
    """Answers with the next number, in a body that comes in two parts."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str | None]]

    def do_GET(self):
        self.asked.append((self.path, self.headers["Cookie"]))
        body = json.dumps({"x": "y" * 5000, "rid": len(self.asked)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "SID=abc; path=/")
        self.end_headers()
        self.wfile.write(body[:100])
        self.wfile.write(body[100:])

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server():
    handler = type("Handler", (Counting,), {"asked": []})
    # Whoever asks goes away in the middle of an answer.
    quiet = type("Server", (http.server.ThreadingHTTPServer,), {"handle_error": lambda *_: None})
    with quiet(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port, handler.asked
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("connections", [1, 3])
def test_answers_are_counted_to_their_last_byte(server, connections):
    port, _ = server
    asked = ask(port, "/x", connections, 0.05)

    assert asked.answers == len(asked.times) > connections
    assert asked.bytes > 5000 * asked.answers
    assert asked.times == sorted(asked.times)


def test_a_follower_names_the_last_answer_and_keeps_its_session(server):
    port, seen = server
    asked = ask(port, "/x", 1, 0.05, follow=True)

    assert seen[0] == ("/x?rid=0", None)
    assert seen[1 : asked.answers] == [
        (f"/x?rid={number}", "SID=abc") for number in range(1, asked.answers)
    ]


def test_figures_are_those_of_the_answers():
    asked = Asked(4, 2.0, 400, [1.0, 2.0, 3.0, 10.0])

    assert figures(asked) == {RATE: 2, MEDIAN: 2.5, SLOWEST: 10, "bytes of an answer": 100}
    assert figures(Asked(0, 1.0, 0, []))[RATE] == 0


def run(label, variant, rate=0.0, *, slowest=1.0, seconds=1.0):
    notes = {RATE: rate, SLOWEST: slowest, MEDIAN: slowest}
    return Run(label=label, variant=variant, seconds=seconds, bytes=1, notes=notes)


def test_what_is_required_is_a_ratio_of_rates():
    runs = [
        run(US, f"{VERSION}, {AT_REST}", 4000),
        run(NOX, f"{VERSION}, {AT_REST}", 1000),
        run(US, f"{INFO}, {AT_REST}", 499),
        run(NOX, f"{INFO}, {AT_REST}", 5),
        run(US, f"{INFO}, {DOWNLOADING}", 500),
        run(US, f"{INFO}, {LARGE}", 100, slowest=51),
        run(US, f"{CHANGES}, {LARGE}", 100, slowest=0.5),
        run(US, f"{START}, {LARGE}", seconds=1.5),
        run(US, f"{START}, {LARGE}", seconds=2.5),
    ]
    checks = SITUATION.verdict(runs)
    measured = [(check.measured, check.reached) for check in checks if check.reached is not None]

    assert measured == [
        ("4 times", True),
        ("99.8 times", False),
        ("100 times", True),
        ("51 ms", False),
        ("0.5 ms", True),
        ("2.5 s", False),
    ]


def test_without_the_other_nothing_is_claimed():
    assert {check.reached for check in SITUATION.verdict([])} == {None}


def test_a_missing_server_is_named_with_its_package(monkeypatch):
    monkeypatch.setattr(machine, "there", lambda: frozenset(machine.PEERS) - {NOX})

    assert machine.missing() == f"missing: {NOX} (Debian, Ubuntu: sudo apt install {NOX})"
