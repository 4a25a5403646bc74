"""`moorage connection create` waits at the command line while a person goes through the pages."""

import json

import pytest

from tests.flows.conftest import connecting
from tests.flows.walker import Walker


@pytest.fixture
def waiting(server):
    """The command, and the address that it shows."""
    with connecting(server) as waiting:
        yield waiting


def test_it_ends_with_the_active_connection(server, waiting):
    process, url = waiting
    assert Walker().connect(url).heading == "Connected to Harbour & Pine"
    out, _ = process.communicate(timeout=30)
    connection = json.loads(out)["connection"]
    assert (process.returncode, connection["status"]) == (0, "ACTIVE")
    assert connection["metadata"]["organisation"] == "Harbour & Pine"
    status, _, _ = server.call("GET", "/zoho-crm/crm/v8/org", headers={"Maton-Connection": connection["id"]})
    assert status == 200


def test_it_ends_with_the_reason_when_access_is_declined(waiting):
    process, url = waiting
    assert "declined" in Walker().connect(url, decision="reject").heading
    out, err = process.communicate(timeout=30)
    assert process.returncode != 0 and "access_denied" in out + err
