"""Maton's official Python SDK, unmodified, works against the gateway."""

import pytest
from maton_ai import (
    AccessDeniedError,
    Maton,
    ResourceNotFoundError,
    TooManyRequestsError,
    ValidationError,
)

from tests.flows.storages import on_both_storages

pytestmark = on_both_storages
LEADS = "/zoho-crm/crm/v8/Leads"


@pytest.fixture
def maton(server):
    client = Maton(server.api_key, base_url=server.gateway, telemetry=False, max_retries=0)
    yield client
    client.close()


def test_connections_are_listed_made_read_and_deleted(maton):
    active = maton.connections.list(app="zoho-crm", status="ACTIVE")["connections"]
    assert active[0]["app"] == "zoho-crm"
    connection = maton.connections.create(app="zoho-crm")["connection"]
    assert connection["status"] == "PENDING" and connection["id"] == connection["connection_id"]
    assert maton.connections.get(connection["connection_id"])["connection"]["app"] == "zoho-crm"
    maton.connections.delete(connection["connection_id"])
    with pytest.raises(ResourceNotFoundError, match="There is no connection"):
        maton.connections.get(connection["connection_id"])


def test_native_calls_pass_through(maton):
    answer = maton.api.post(LEADS, json={"data": [{"Last_Name": "Maton"}]})
    record = answer["data"][0]["details"]["id"]
    assert maton.api.get(f"{LEADS}/{record}")["data"][0]["Last_Name"] == "Maton"
    listed = maton.api.get(LEADS, params={"fields": "Last_Name", "ids": record})
    assert listed["info"]["count"] == 1
    assert maton.api.delete(LEADS, params={"ids": record})["data"][0]["code"] == "SUCCESS"


def test_every_answer_has_a_request_id_of_its_own(maton):
    ids = {maton.api.with_raw_response.get(f"{LEADS}?fields=id").request_id for _ in range(3)}
    assert len(ids) == 3


def test_a_connection_may_be_named_per_call_and_per_client(maton, server):
    active = maton.connections.list(status="ACTIVE")["connections"][0]["connection_id"]
    assert maton.api.get(f"{LEADS}?fields=id", connection=active)["data"]
    with pytest.raises(ResourceNotFoundError, match="There is no connection"):
        maton.api.get(f"{LEADS}?fields=id", connection="e55c5bac-241a-4cc8-9db5-50d2cad09136")
    other = Maton(server.api_key, base_url=server.gateway, telemetry=False, connection=active, max_retries=0)
    assert other.api.get(f"{LEADS}?fields=id")["data"]
    other.close()


def test_errors_say_what_is_wrong(maton, server):
    with pytest.raises(ValidationError) as missing:
        maton.api.get(LEADS)
    assert missing.value.status_code == 400 and "parameter is missing" in str(missing.value)
    with pytest.raises(ValidationError, match="There is no app"):
        maton.connections.create(app="nothing")
    stranger = Maton("mk_" + "x" * 49, base_url=server.gateway, telemetry=False, max_retries=0)
    with pytest.raises(AccessDeniedError, match="API key") as refused:
        stranger.api.get(f"{LEADS}?fields=id")
    assert refused.value.request_id
    stranger.close()


def list_often(client):
    for _ in range(5):
        client.connections.list()


def test_it_learns_how_long_to_wait(own_server):
    server = own_server(MOORAGE_RATE_LIMIT="0.5")
    client = Maton(server.api_key, base_url=server.gateway, telemetry=False, max_retries=0)
    with pytest.raises(TooManyRequestsError) as limited:
        list_often(client)
    assert limited.value.retry_after in {1, 2}
    client.close()


def test_its_retries_come_through_once_it_has_waited(own_server):
    server = own_server(MOORAGE_RATE_LIMIT="1")
    client = Maton(server.api_key, base_url=server.gateway, telemetry=False)
    assert [len(client.connections.list()["connections"]) for _ in range(4)] == [1] * 4
    client.close()
