"""nginx and Caddy with TLS in front of a whole server, with the files of `deploy/proxy`."""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest

from tests.certificate import certify
from tests.flows.conftest import finish, start

ROOT = Path(__file__).parents[2]
FILES = ROOT / "deploy" / "proxy"
CADDYFILE, NGINX_CONF = (FILES / "Caddyfile").read_text(), (FILES / "nginx.conf").read_text()
PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin"
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "a"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Behind:
    """A server behind a proxy, which is asked by an address of this machine, whatever the name in the request."""

    def __init__(self, folder):
        self.port, self.certificate = free_port(), folder / "certificate.pem"
        _, self._context = certify(self.certificate, "127.0.0.1")
        urls = {
            "MOORAGE_PUBLIC_URL": f"https://moorage.example.com:{self.port}",
            "MOORAGE_CRM_PUBLIC_URL": f"https://crm.example.com:{self.port}",
        }
        self.server = start(folder / "home", **urls)
        self.folder, self._proxy = folder, None

    def run(self, *command, **environment):
        """Start a proxy, and wait until it answers."""
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **environment}
        with (self.folder / "errors").open("wb") as errors:
            self._proxy = subprocess.Popen(command, stdout=errors, stderr=errors, env=environ)
        while self._proxy.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return self
        raise AssertionError((self.folder / "errors").read_text())

    def ask(self, method, name, path, body=None, **headers):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self._context)
        host = f"{name}.example.com:{self.port}"
        connection.request(method, path, body=body, headers={"Host": host, **headers})
        response = connection.getresponse()
        answer = response.status, response.headers, response.read()
        connection.close()
        return answer

    def get(self, name, path, **headers):
        signed = {"Authorization": f"Bearer {self.server.api_key}", **headers}
        status, _, body = self.ask("GET", name, path, **signed)
        return status, json.loads(body)

    def stop(self):
        if self._proxy is not None:
            self._proxy.terminate()
            self._proxy.wait(20)
            self._proxy = None


def nginx(behind):
    told = NGINX_CONF.replace("listen 443", f"listen 127.0.0.1:{behind.port}")
    for shown, real in {
        "/etc/ssl/moorage.pem": behind.certificate,
        "/etc/ssl/moorage.key": behind.certificate,
        "127.0.0.1:8787": urlsplit(behind.server.gateway).netloc,
        "127.0.0.1:8788": urlsplit(behind.server.crm).netloc,
    }.items():
        assert shown in told
        told = told.replace(shown, str(real))
    folder = behind.folder
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off; pid {folder / 'pid'}; events {{}} http {{ access_log off; {places}\n{told} }}"
    )
    return behind.run(program("nginx"), "-e", str(folder / "log"), "-p", str(folder), "-c", str(file))


def caddy(behind):
    own = f"tls {behind.certificate} {behind.certificate}"
    told = re.sub(
        r"^(\{\$.*\}) \{$",
        rf"https://\1:{behind.port} {{\n\tbind 127.0.0.1\n\t{own}",
        CADDYFILE,
        flags=re.MULTILINE,
    )
    file = behind.folder / "Caddyfile"
    file.write_text("{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + told)
    gateway, crm = (urlsplit(url).netloc for url in (behind.server.gateway, behind.server.crm))
    command = program("caddy"), "run", "--adapter", "caddyfile", "--config", str(file)
    return behind.run(*command, MOORAGE_GATEWAY=gateway, MOORAGE_CRM=crm)


def program(name):
    found = shutil.which(name, path=PLACES)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("proxies")
    folder.chmod(0o755)
    behind = Behind(folder)
    yield behind
    finish(behind.server)


@pytest.fixture(scope="module", params=[nginx, caddy], ids=["nginx", "caddy"])
def behind(server, request):
    yield request.param(server)
    server.stop()


def test_both_servers_answer_under_their_public_names(behind):
    status, leads = behind.get("moorage", "/zoho-crm/crm/v8/Leads?fields=Last_Name&per_page=1")
    assert status == 200 and leads["data"]
    [connection] = behind.get("moorage", "/connections")[1]["connections"]
    assert connection["url"].startswith(f"https://moorage.example.com:{behind.port}/connect/")
    _, document = behind.get("crm", "/.well-known/openid-configuration")
    assert document["issuer"] == f"https://crm.example.com:{behind.port}"
    assert behind.server.credentials["api_domain"] == document["issuer"]


def test_a_websocket_passes_and_so_does_what_asks_for_none(behind):
    asked = "/zoho-crm/crm/v8/org"
    assert behind.get("moorage", asked, **UPGRADE)[1]["error"]["code"] == "websocket_unsupported"
    assert behind.get("moorage", asked)[0] == 200


def test_visitors_are_offered_no_user_of_the_demo(behind):
    back = "https://app.example/"
    made = behind.server.run("crm", "client", "create", "--name", "App", "--redirect-uri", back, "--json")
    asked = {"client_id": json.loads(made.stdout)["client"]["client_id"], "redirect_uri": back}
    path = f"/oauth/v2/auth?{urlencode({**asked, 'response_type': 'code', 'scope': 'ZohoCRM.modules.READ'})}"
    status, _, page = behind.ask("GET", "crm", path)
    assert status == 200 and b'type="password"' in page
    form = {
        "Origin": f"https://crm.example.com:{behind.port}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    for method, body in (("GET", None), ("POST", b"show=1")):
        assert b"Moreira" not in behind.ask(method, "crm", path, body, **form)[2]


def test_the_page_shows_the_files_as_they_are():
    page = (ROOT / "docs" / "proxy.md").read_text()
    assert f"```text\n{CADDYFILE}```" in page and f"```nginx\n{NGINX_CONF}```" in page
