import logging

import pytest


@pytest.fixture
def nothing_stays(monkeypatch):
    """Put logging back, and start from an environment without settings."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    for name in ("SSL_CERT_FILE", "LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
