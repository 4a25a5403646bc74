import contextlib

import pytest

from tests.http.origin import Origin


@pytest.fixture
def serve():
    """Starts origins; those that were started are stopped at the end."""
    with contextlib.ExitStack() as stack:

        def start(**options):
            origin = Origin(**options)
            stack.callback(origin.stop)
            return origin

        yield start


@pytest.fixture(scope="module")
def shared():
    """An origin for tests that leave nothing behind."""
    origin = Origin()
    yield origin
    origin.stop()


@pytest.fixture
def caller(shared):
    with shared.connect() as caller:
        yield caller
