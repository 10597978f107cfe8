"""An outbox with its front: webhook and qBittorrent API over HTTP, in the loop of the test.

Programs and Autobrr call it from threads of their own. Only time is not real, and torrents are in
memory: nothing is downloaded.
"""

import asyncio
import re
import socket
from pathlib import Path

import uvicorn

from api.connections import Connection
from api.qbittorrent.app import create_app
from api.qbittorrent.context import ApiConfig
from api.serve import _Server
from api.webhook.app import routes
from api.webhook.config import WebhookConfig
from api.webhook.door import Door
from tests.arrpush.outbox_desk import OutboxDesk
from tests.fakes.autobrr import Autobrr, AutobrrRelease
from tests.fakes.sonarr_http import RADARR, SonarrHttp
from tests.fakes.torrents import InMemoryTorrents

TOKEN = "marked-token-0123456789"
README = (Path(__file__).parents[2] / "README.md").read_text()


def template(mark: str) -> str:
    """Return a payload that the README gives to paste."""
    found = re.search(rf"<!-- {mark} -->\n```json\n(.*?)```", README, re.DOTALL)
    assert found
    return found[1]


WITH_TORRENT, WITH_MAGNET = template("autobrr"), template("autobrr magnets")


class FrontDesk(OutboxDesk):
    port = 0

    async def start(self) -> None:
        await super().start()
        self.torrents = InMemoryTorrents()
        webhook = WebhookConfig(
            door=Door(TOKEN), download_client="alldebrid-client", now=self.time.clock
        )
        app = create_app(
            self.torrents,
            ApiConfig(),
            releases=self.outbox,
            others=routes(self.outbox, webhook),
        )
        listener = socket.create_server(("127.0.0.1", self.port))
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            app, http=Connection, lifespan="off", log_config=None, access_log=False
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        for fake in self.fakes.values():
            release = {"release": RADARR} if fake.radarr else {}
            fake.client, fake.grabs_for_real = SonarrHttp(self.port, **release), True
            fake.client_name = "alldebrid-client"

    async def stop(self) -> None:
        self._server.end()
        await self._serving
        await self.until(lambda: not self._server.server_state.connections)
        await asyncio.sleep(0)  # their sockets are closed in the next turn
        await super().stop()

    @property
    def webhook(self) -> str:
        """What is typed in Autobrr."""
        return f"http://127.0.0.1:{self.port}/arrpush?target=sonarr&apikey={TOKEN}"

    async def announces(self, torrent=None, payload=WITH_TORRENT, url="", **changes):
        """Let Autobrr announce a release; return its call."""
        fields = {"torrent": torrent.metainfo, "name": torrent.name} if torrent else {}
        release = AutobrrRelease(**{**fields, **changes})
        return await asyncio.to_thread(Autobrr(url or self.webhook).announces, payload, release)

    async def asks(self, path: str):
        """Ask the webhook's API with the token; return the JSON of the answer."""
        http = SonarrHttp(self.port)
        return (await asyncio.to_thread(http.get, path, apikey=TOKEN)).json
