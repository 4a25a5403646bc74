"""nginx with TLS in front of a whole server, with the configuration that docs/tls.md shows."""

import http.client
import json
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.certificate import certify
from tests.flows.conftest import finish, start

PAGE = (Path(__file__).parents[2] / "docs" / "tls.md").read_text()
SERVERS, MAP, HEADERS = re.findall(r"^ *```nginx\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "a"}

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Behind:
    """A server behind nginx, which is asked by an address of this machine, whatever the name in the request."""

    def __init__(self, folder):
        self.port, self._certificate = free_port(), folder / "certificate.pem"
        _, self._context = certify(self._certificate, "127.0.0.1")
        urls = {
            "MOORAGE_PUBLIC_URL": f"https://moorage.example.com:{self.port}",
            "MOORAGE_CRM_PUBLIC_URL": f"https://crm.example.com:{self.port}",
        }
        self.server = start(folder / "home", **urls)
        self._nginx, self._folder = None, folder

    def run(self, servers, outside=""):
        """Start nginx with these `server` blocks, and stop the nginx that ran before."""
        self.stop()
        told = servers.replace("listen 443", f"listen 127.0.0.1:{self.port}")
        for shown, real in {
            "/etc/ssl/moorage.pem": self._certificate,
            "/etc/ssl/moorage.key": self._certificate,
            "127.0.0.1:8787": urlsplit(self.server.gateway).netloc,
            "127.0.0.1:8788": urlsplit(self.server.crm).netloc,
        }.items():
            assert shown in told
            told = told.replace(shown, str(real))
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = "".join(f"{kind}_temp_path {self._folder / kind};" for kind in kinds)
        file = self._folder / "nginx.conf"
        file.write_text(
            f"daemon off; pid {self._folder / 'pid'}; events {{}}"
            f" http {{ access_log off; {places} {outside} {told} }}"
        )
        command = [NGINX, "-e", str(self._folder / "errors"), "-p", str(self._folder), "-c", str(file)]
        self._nginx = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while self._nginx.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError((self._folder / "errors").read_text())

    def get(self, name, path, **headers):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self._context)
        host = f"{name}.example.com:{self.port}"
        signed = {"Host": host, "Authorization": f"Bearer {self.server.api_key}", **headers}
        connection.request("GET", path, headers=signed)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, json.loads(body)

    def stop(self):
        if self._nginx is not None:
            self._nginx.terminate()
            self._nginx.wait(20)


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    behind = Behind(folder)
    yield behind
    behind.stop()
    finish(behind.server)


def test_both_servers_answer_under_their_public_names(behind):
    behind.run(SERVERS)
    status, leads = behind.get("moorage", "/zoho-crm/crm/v8/Leads?fields=Last_Name&per_page=1")
    assert status == 200 and leads["data"]
    [connection] = behind.get("moorage", "/connections")[1]["connections"]
    assert connection["url"].startswith(f"https://moorage.example.com:{behind.port}/connect/")
    _, document = behind.get("crm", "/.well-known/openid-configuration")
    assert document["issuer"] == f"https://crm.example.com:{behind.port}"
    assert behind.server.credentials["api_domain"] == document["issuer"]


def test_websocket_passes_with_the_lines_for_it_and_only_then(behind):
    asked = "/zoho-crm/crm/v8/org"
    behind.run(SERVERS)
    assert behind.get("moorage", asked, **UPGRADE)[0] == 200
    line = 'proxy_set_header Connection "";'
    behind.run(SERVERS.replace(line, HEADERS, 1), outside=MAP)
    assert behind.get("moorage", asked, **UPGRADE)[1]["error"]["code"] == "websocket_unsupported"
    assert behind.get("moorage", asked)[0] == 200
