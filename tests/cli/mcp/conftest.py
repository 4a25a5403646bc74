import pytest

from moorage.client import Moorage
from tests.cli.mcp.talking import Scripted, Talk, result


@pytest.fixture(scope="module")
def mcp_server():
    server = Scripted()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def scripted(mcp_server):
    mcp_server.seen.clear()
    mcp_server.answer = lambda message: (200, "application/json", result(message["id"], {}))
    return mcp_server


@pytest.fixture
def talk(scripted):
    talk = Talk(lambda: Moorage("mk_test", scripted.url))
    yield talk
    talk.end()
