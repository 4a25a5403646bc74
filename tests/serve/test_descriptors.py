"""How many descriptors a server takes, and how many of them are for clients."""

import resource
import subprocess
import sys

import pytest

from moorage.serve import descriptors


@pytest.mark.parametrize(
    ("limit", "connections"),
    [
        (64, 28),
        (1024, 748),
        (1_048_576, descriptors.MAX_CONNECTIONS),
        (resource.RLIM_INFINITY, descriptors.MAX_CONNECTIONS),
        (16, 1),
    ],
)
def test_a_part_is_left_for_all_else(monkeypatch, limit, connections):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    monkeypatch.setattr(descriptors, "_open", lambda: 20)
    assert descriptors.connections() == connections


def test_what_the_system_lets_us_have_is_taken():
    program = (
        "import resource\n"
        "from moorage.serve.descriptors import raise_limit\n"
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))\n"
        "raise_limit()\n"
        "assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
