import pytest

from moorage.gateway.tls import verifying
from tests.certificate import certify
from tests.gateway.wire import OK, Client, Scripted, World


@pytest.fixture
def start():
    """Starts a world; those that were started are stopped at the end."""
    running = []

    def start(world):
        world.start()
        running.append(world)
        return world

    yield start
    for world in running:
        world.stop()


@pytest.fixture
def upstream():
    """Makes scripted upstreams."""
    servers = []

    def make(*script, **options):
        servers.append(Scripted(*(script or (OK,)), **options))
        return servers[-1]

    yield make
    for each in servers:
        each.stop()


@pytest.fixture
def relayed(start, upstream):
    """A client of a gateway with one upstream that plays the script."""
    clients = []

    def connect(*script, world=None, **options):
        behind = upstream(*script, **options)
        world = world or World()
        world.remote(behind.port)
        start(world)
        clients.append(Client(world.port))
        clients[-1].upstream, clients[-1].world = behind, world
        return clients[-1]

    yield connect
    for client in clients:
        client.socket.close()


@pytest.fixture(scope="module")
def standing():
    """A gateway that a module's tests share, and the upstream behind it."""
    behind, world = Scripted(OK), World()
    world.remote(behind.port)
    world.start()
    yield behind, world
    world.stop()
    behind.stop()


@pytest.fixture
def through(standing):
    """As `relayed`, for the many that need no gateway of their own."""
    behind, world = standing
    clients = []

    def connect(*script, keep=True):
        behind.script, behind.requests, behind.keep = list(script or (OK,)), [], keep
        clients.append(Client(world.port))
        clients[-1].upstream = behind
        return clients[-1]

    yield connect
    for client in clients:
        client.socket.close()


@pytest.fixture
def embedded(start):
    """A client of a gateway before the embedded CRM."""
    clients = []

    def connect(world=None):
        world = world or World()
        world.embed()
        start(world)
        clients.append(Client(world.port))
        clients[-1].world = world
        return clients[-1]

    yield connect
    for client in clients:
        client.socket.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A server's context for `localhost` alone, a client's that trusts it, and the certificate's file."""
    file = tmp_path_factory.mktemp("tls") / "pair.pem"
    server, _ = certify(file, "localhost")
    return server, verifying(str(file)), file
