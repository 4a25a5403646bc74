import pytest

from moorage.client import Moorage
from tests.client.recorder import Recorder


@pytest.fixture
def server():
    recorder = Recorder()
    yield recorder
    recorder.close()


@pytest.fixture
def moorage(server):
    with Moorage("mk_test", server.url, timeout=5) as client:
        yield client
