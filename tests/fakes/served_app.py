"""An ASGI application behind a real HTTP server on loopback.

Starting and stopping a server takes longer than a test should, so one server serves many tests:
each puts its own application in `app`.
"""

import socket
import threading
from typing import Any, Self

import uvicorn

from api.connections import Connection


class ServedApp:
    def __init__(self) -> None:
        self.app: Any = None
        # asyncio turns Nagle's delay off only where the protocol is named: 40 ms per answer.
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        self.port: int = self._listener.getsockname()[1]
        config = uvicorn.Config(
            self._call,
            interface="asgi3",
            http=Connection,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True
        )

    def __repr__(self) -> str:
        return f"<ServedApp 127.0.0.1:{self.port}>"

    def __enter__(self) -> Self:
        # The socket listens already: whoever connects before the server runs is kept waiting.
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    async def _call(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)
