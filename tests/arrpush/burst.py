"""Many webhooks at once, from as many indexers as announce at a time.

`python -m tests.arrpush.burst PORT TOKEN FIRST` is a process of its own, which nothing but the
service keeps waiting; it prints what `burst` returns.
"""

import asyncio
import json
import re
import sys
import time

BURST = 1000
AT_ONCE = 32
"""Indexers that announce at the same time: Autobrr waits for the answer of each."""


async def burst(port: int, token: str, first: int = 0) -> tuple[list[str], list[float]]:
    """Announce releases over several connections, from number `first` on.

    Returns the ids, and the seconds that each answer took, sorted.
    """
    ids: list[str] = []
    took: list[float] = []

    async def announce(numbers: range) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            body = json.dumps(
                {
                    "ReleaseName": f"A.Show.S{number // 100:02}E{number % 100:02}.1080p.WEB-GROUP",
                    "TorrentUrl": f"https://t.invalid/{number}?passkey=marked-passkey",
                    "TorrentHash": infohash(number),
                    "Type": "episode",
                }
            )
            began = time.perf_counter()
            writer.write(
                f"POST /arrpush?target=sonarr&apikey={token} HTTP/1.1\r\nHost: nas:6500\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(re.search(r"content-length: (\d+)", head)[1])
            ids.append(json.loads(await reader.readexactly(length))["id"])
            took.append(time.perf_counter() - began)
            assert " 202 " in head
        writer.close()
        await writer.wait_closed()

    starts = range(first, first + AT_ONCE)
    await asyncio.gather(*(announce(range(one, first + BURST, AT_ONCE)) for one in starts))
    return ids, sorted(took)


def infohash(number: int) -> str:
    return f"{number + 1:040x}"


if __name__ == "__main__":
    json.dump(asyncio.run(burst(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))), sys.stdout)
