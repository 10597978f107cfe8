"""A client that polls an API, in a process of its own.

    python -m benchmarks.poller PORT PATH RATE

It keeps its pace whatever the answers take, as long as they take less than the pace. When its stdin
ends it prints a JSON list of [when on the monotonic clock, seconds until the last byte, bytes].
"""

import http.client
import json
import select
import sys
import time


def main() -> int:
    """Poll until stdin ends."""
    port, path, rate = sys.argv[1:]
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=30)
    found = []
    due = time.monotonic()
    while not select.select([sys.stdin], [], [], max(0.0, due - time.monotonic()))[0]:
        began = time.monotonic()
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"status {answer.status}")
        found.append([began, round(time.monotonic() - began, 6), len(body)])
        due = max(due + 1 / float(rate), began)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
