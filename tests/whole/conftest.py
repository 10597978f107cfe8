"""A service for each test, and the AllDebrid it talks to."""

import pytest

from tests.fakes.alldebrid import FakeAllDebrid
from tests.fakes.filehost import FileHost
from tests.whole.place import Place
from tests.whole.service import Service


@pytest.fixture
def alldebrid():
    with FakeAllDebrid() as fake:
        yield fake


@pytest.fixture
def make_service(tmp_path, alldebrid):
    """Make a service; what is still running at the end is killed."""
    services = []

    def make(**environment):
        service = Service(tmp_path, alldebrid, **environment)
        services.append(service)
        return service

    yield make
    for service in services:
        if service.process is not None and service.process.poll() is None:
            service.kill()


@pytest.fixture
def place(tmp_path, make_service, alldebrid):
    with FileHost() as host:
        service = make_service(LOG_LEVEL="WARNING")
        service.start()
        yield Place(tmp_path, service, alldebrid, host)
        assert service.stop() == 0
        assert "Traceback" not in service.output.read_text()
