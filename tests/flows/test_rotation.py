"""The vault's key is changed under servers that work, and nobody notices."""

import json

from tests.flows.callers import Callers
from tests.flows.test_secrets import token_of
from tests.flows.walker import Walker
from tests.waiting import wait_until

LEADS = "/zoho-crm/crm/v8/Leads?fields=id"


class Traffic(Callers):
    """Calls from several callers until it is stopped; answers other than 200 are in `failed`."""

    def __init__(self, server, callers=4):
        self.served, self.failed = 0, []
        self._server = server
        super().__init__(callers)

    def _run(self, _number):
        while not self._stop.is_set():
            status, _, body = self._server.call("GET", LEADS)
            if status == 200:
                self.served += 1
            else:
                self.failed.append((status, body))

    def go_on(self):
        before = self.served
        wait_until(lambda: self.served > before + 20 or self.failed, 20)


def rotate(server):
    return json.loads(server.run("vault", "rotate", "--json").stdout)


def connected(server):
    """The link of a connection that nobody opened yet."""
    return json.loads(server.call("POST", "/connections", {"app": "zoho-crm"})[2])["connection"]


def test_a_rotation_under_traffic_fails_no_call_and_leaves_no_secret(own_server):
    server = own_server("--workers", "2", MOORAGE_LOG_LEVEL="debug")
    old_key = (server.home / "vault.key").read_text().strip()
    waiting = connected(server)
    with Traffic(server) as traffic:
        traffic.go_on()
        for _ in range(2):
            assert rotate(server)["sealed_anew"] >= 2
            traffic.go_on()
    assert traffic.failed == []
    assert server.call("GET", "/readyz")[0] == 200
    assert Walker().connect(waiting["url"]).status == 200  # A link from before the rotations.
    status, shown = server.get(f"/connections/{waiting['connection_id']}")
    assert (status, shown["connection"]["status"]) == (200, "ACTIVE")
    credentials = server.credentials
    secrets = [credentials[name] for name in ("client_secret", "refresh_token", "access_token")]
    secrets += [old_key, server.api_key, token_of(waiting["url"])]
    written = [file.read_bytes() for file in server.home.rglob("*") if file.is_file()]
    assert server.stop() == 0
    written += [file.read_bytes() for file in server.home.rglob("*") if file.is_file()]
    _, err = server.process.communicate(timeout=20)
    written.append(err.encode())
    assert [secret for secret in secrets if any(secret.encode() in content for content in written)] == []


def test_a_missing_key_shows_until_it_is_back(own_server):
    server = own_server()
    key = server.home / "vault.key"
    content = key.read_bytes()
    key.unlink()
    status, _, body = server.call("GET", "/readyz")
    assert (status, json.loads(body)["error"]["code"]) == (503, "vault_locked")
    key.write_bytes(content)
    wait_until(lambda: server.call("GET", "/readyz")[0] == 200)  # An answer may be a second old.
    assert server.get(LEADS)[0] == 200
