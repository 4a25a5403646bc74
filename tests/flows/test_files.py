"""Files through whole servers, on both origins and both storages: long ones, broken ones, and ones that go away."""

import http.client
import json
import os
import socket
import time
from urllib.parse import urlsplit

import pytest

from tests.crm.uploads import MULTIPART, body, part
from tests.flows.storages import on_both_storages

pytestmark = on_both_storages
MB = 1024 * 1024


class Origin:
    def __init__(self, url, prefix, authorization):
        self.netloc, self.prefix = urlsplit(url).netloc, prefix
        self.headers = {"Authorization": authorization}

    def call(self, method, path, data=None, headers=None):
        connection = http.client.HTTPConnection(self.netloc, timeout=60)
        connection.request(method, f"{self.prefix}{path}", data, self.headers | (headers or {}))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def begin(self, method, path, length=None):
        """A socket on which the head of a request was sent."""
        client = socket.create_connection(self.netloc.split(":"), timeout=60)
        head = [f"{method} {self.prefix}{path} HTTP/1.1", f"Host: {self.netloc}"]
        head += [f"{name}: {value}" for name, value in self.headers.items()]
        if length is not None:
            head += [f"Content-Length: {length}", f"Content-Type: {MULTIPART['content-type']}"]
        client.sendall("\r\n".join([*head, "", ""]).encode())
        return client


@pytest.fixture(scope="module")
def origins(server):
    credentials = json.loads(server.run("crm", "credentials", "--json").stdout)
    return {
        "gateway": Origin(server.gateway, "/zoho-crm/crm/v8", f"Bearer {server.api_key}"),
        "origin": Origin(server.crm, "/crm/v8", f"Zoho-oauthtoken {credentials['access_token']}"),
    }


@pytest.fixture(params=["gateway", "origin"])
def origin(origins, request):
    return origins[request.param]


@pytest.fixture
def path(origin):
    status, content = origin.call("POST", "/Leads", json.dumps({"data": [{"Last_Name": "Ash"}]}))
    assert status == 201
    return f"/Leads/{json.loads(content)['data'][0]['details']['id']}/Attachments"


def attach(origin, path, data):
    status, content = origin.call("POST", path, body(part(data)), MULTIPART)
    assert status == 200, content
    return f"{path}/{json.loads(content)['data'][0]['details']['id']}"


def test_a_long_file_comes_back_through_either_origin(origins, origin, path):
    data = os.urandom(5 * MB + 1)
    attachment = attach(origin, path, data)
    assert [other.call("GET", attachment) for other in origins.values()] == [(200, data)] * 2


def test_a_file_that_is_too_long_is_refused_before_it_is_sent(origin, path):
    with origin.begin("POST", path, 101 * MB) as client:
        assert client.recv(MB).split(b" ")[1] == b"413"
    assert origin.call("GET", f"{path}?fields=id")[0] == 204


def test_who_goes_away_in_the_middle_has_attached_nothing(origin, path):
    with origin.begin("POST", path, 5 * MB) as client:
        client.sendall(body(part(b"x" * 2 * MB))[: 2 * MB])
    assert origin.call("GET", f"{path}?fields=id")[0] == 204


def test_a_download_that_has_begun_ends_although_the_file_is_deleted(origin, path):
    data = os.urandom(8 * MB)
    attachment = attach(origin, path, data)
    with origin.begin("GET", attachment) as client:
        received = bytearray(client.recv(1000))
        assert origin.call("DELETE", attachment)[0] == 200
        assert origin.call("GET", attachment)[0] == 204
        end, wanted = time.monotonic() + 60, received.index(b"\r\n\r\n") + 4 + len(data)
        while len(received) < wanted and time.monotonic() < end:
            received += client.recv(MB)
    assert received[-len(data) :] == data
