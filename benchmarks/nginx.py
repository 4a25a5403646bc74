"""nginx twice: as the upstream that the gateway calls, and as the proxy that the gateway is held against."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import machine
from benchmarks.certificates import HOST, Certificates

_START_SECONDS = 10

# As many workers as the gateway has, and nothing that only a benchmark would switch on.
_FRAME = """
daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_timeout 75s;
    keepalive_requests 100000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server_tokens off;
    {servers}
}}
"""

# Refusing every other token shows that each answer came with the header rewritten.
_UPSTREAM = """
    server {{
        listen 127.0.0.1:{port} {secured};
        {certificate}
        root {folder};
        default_type application/json;
        open_file_cache max=10 inactive=1h;
        add_header Set-Cookie "session=1; path=/; Secure; HttpOnly" always;
        add_header X-RateLimit-Remaining 4999;
        location /crm/ {{
            if ($http_authorization != "{authorization}") {{ return 401; }}
        }}
    }}
"""

_PROXY = """
    map_hash_bucket_size 256;
    map $http_authorization $upstream_authorization {{
        default "";
        "Bearer {key}" "{authorization}";
    }}
    upstream api {{
        server {address};
        keepalive 64;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location /zoho-crm/ {{
            if ($upstream_authorization = "") {{ return 401; }}
            proxy_pass {scheme}://api/;
            {verification}
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Authorization $upstream_authorization;
        }}
    }}
"""

_CERTIFICATE = "ssl_certificate {certificate}; ssl_certificate_key {key};"
_VERIFICATION = """
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate {authority};
            proxy_ssl_name {host};
            proxy_ssl_server_name on;
"""


class NginxFailed(Exception):
    """nginx did not begin to listen; the message holds its log."""


@dataclass(frozen=True, slots=True)
class Nginx:
    pid: int
    url: str


@contextmanager
def upstream(
    folder: Path, files: dict[str, bytes], authorization: str, certificates: Certificates | None = None
) -> Iterator[Nginx]:
    """Serves files to whoever sends the Authorization header, on the load's core; with certificates, over TLS."""
    folder.mkdir()
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    port = _free_port()
    secured, certificate = "", ""
    if certificates is not None:
        secured = "ssl"
        certificate = _CERTIFICATE.format(certificate=certificates.certificate, key=certificates.key)
    servers = _UPSTREAM.format(
        port=port, secured=secured, certificate=certificate, folder=folder, authorization=authorization
    )
    with _started(folder, port, servers, 1, machine.LOAD_CORE) as pid:
        yield Nginx(pid, f"http{'s' if secured else ''}://127.0.0.1:{port}")


@contextmanager
def proxy(
    folder: Path, to: Nginx, key: str, authorization: str, workers: int, certificates: Certificates | None
) -> Iterator[Nginx]:
    """Passes /zoho-crm/... on, with the token in place of the key, where the gateway would run."""
    folder.mkdir()
    port, address = _free_port(), urlsplit(to.url)
    verification = ""
    if certificates is not None:
        verification = _VERIFICATION.format(authority=certificates.authority, host=HOST)
    servers = _PROXY.format(
        port=port, address=address.netloc, scheme=address.scheme, key=key, authorization=authorization,
        verification=verification,
    )  # fmt: skip
    with _started(folder, port, servers, workers, machine.server_core(workers)) as pid:
        yield Nginx(pid, f"http://127.0.0.1:{port}")


@contextmanager
def _started(folder: Path, port: int, servers: str, workers: int, core: int | None) -> Iterator[int]:
    program = machine.program("nginx")
    assert program is not None
    configuration = folder / "nginx.conf"
    # Started by root, the worker would be a user who may not read the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    configuration.write_text(_FRAME.format(folder=folder, user=user, servers=servers, workers=workers))
    command = [program, "-c", str(configuration), "-e", str(folder / "error.log")]
    process = machine.start(command, core, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, folder / "error.log")
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _wait_for(port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError as error:
            if time.monotonic() > deadline:
                raise NginxFailed(f"nginx didn't start: {log.read_text(errors='replace')}") from error
            time.sleep(0.05)
        else:
            return
