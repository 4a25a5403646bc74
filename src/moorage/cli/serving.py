"""The second half of `moorage up`: after its options are checked, the process replaces itself by this program.

The command line needs Typer and its libraries. A server that kept running in that process would keep their memory.
"""

import gc
import json
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from msgspec.structs import asdict

from moorage.cli.background import Behind, told
from moorage.errors import MoorageError
from moorage.serve.log_file import LogFile, log_path
from moorage.settings import load_with_file

if TYPE_CHECKING:
    from moorage.serve.up import Played, Ready
    from moorage.settings import Settings

# Without this, glibc gives memory back to the system after each large answer, and takes it again for the next one. That
# costs a fifth more CPU time for a list of 200 kilobytes. So it keeps some megabytes.
_ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": "4194304", "MALLOC_MMAP_THRESHOLD_": "4194304"}


def become_server(
    *,
    workers: int,
    as_json: bool,
    opens_browser: bool = False,
    plays_for: str | None = None,
    environ: Mapping[str, str] = os.environ,
    **options: Any,
) -> NoReturn:
    """Replace this process by the server. `options` win over the environment.

    `plays_for` is the callback URL of another Moorage, to which the server plays Zoho. With `opens_browser`, the first
    owner's link is opened if somebody is at a terminal.
    """
    command = server_command(
        workers=workers, as_json=as_json, opens_browser=opens_browser, plays_for=plays_for, **options
    )
    os.execve(command[0], command, server_environment(environ))  # noqa: S606 (no shell is needed, and no stranger's text is in it)


def server_command(
    *,
    workers: int,
    as_json: bool,
    opens_browser: bool = False,
    plays_for: str | None = None,
    behind: Behind | None = None,
    **options: Any,
) -> list[str]:
    """The command line of a server. With `behind` it serves in the background."""
    texts = {name: str(value) for name, value in options.items() if value is not None}
    arguments = {"workers": workers, "as_json": as_json, "plays_for": plays_for, "options": texts}
    arguments["opens_browser"] = opens_browser
    # With -P, Python does not load modules from the working folder. Secrets stay in the environment.
    return [sys.executable, "-P", "-m", __name__, json.dumps(arguments | {"behind": behind})]


def server_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {**_ALLOCATOR, **environ}


def main() -> int:
    """Serve with the arguments of `become_server`. Returns the exit status (see docs/cli.md)."""
    arguments = json.loads(sys.argv[1])
    behind: Behind | None = arguments["behind"]
    try:
        _serve(**arguments)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except (MoorageError, OSError) as error:
        from moorage.cli.failures import report  # noqa: PLC0415 (it loads Typer)

        with told(behind, "err"):
            return report(error, as_json=arguments["as_json"])
    return 0


def _serve(
    *,
    workers: int,
    as_json: bool,
    opens_browser: bool,
    plays_for: str | None,
    behind: Behind | None,
    options: dict[str, Any],
) -> None:
    # Modules are no garbage. To look through them again and again would take a tenth of the time of the imports, and
    # some of the server's time later.
    gc.disable()
    from moorage.serve.up import up  # noqa: PLC0415 (the command line imports this module, but does not need the server)

    gc.freeze()
    gc.enable()
    if behind is not None:
        sys.stderr = LogFile(log_path(Path(behind["home"])))

    def announce(ready: "Ready") -> bool:
        with told(behind, "out"):
            if as_json:
                _print_event(ready)
            else:
                _print_banner(ready, "Ctrl-C" if behind is None else behind["stop"])
        if opens_browser and ready.is_entry and ready.owner_link is not None:
            _open(ready.owner_link)
        return behind is None or behind["is_awaited"]

    def read() -> "Settings":
        return load_with_file(os.environ, **options)

    up(read(), workers=workers, announce=announce, read=read, plays_for=plays_for)


def _open(link: str) -> None:
    from moorage.cli.browser import has_browser, open_apart  # noqa: PLC0415 (only a first start needs it)

    if has_browser():
        open_apart(link)


def _print_event(ready: "Ready") -> None:
    event: dict[str, Any] = {
        "event": "ready",
        "gateway": ready.gateway,
        "crm": ready.crm,
        "api_key": ready.api_key,
    }
    if ready.owner_link is not None:
        event["owner_link"] = ready.owner_link
    if ready.metrics is not None:
        event["metrics"] = ready.metrics
    if ready.played is not None:
        event["client"] = {name: str(value) for name, value in asdict(ready.played).items()}
    print(json.dumps(event), flush=True)


def _print_banner(ready: "Ready", stop: str) -> None:
    """Print for people. `stop` is what stops the server."""
    if ready.played is not None:
        _print_rehearsal(ready, ready.played, stop)
        return
    lines = ["", f"  Gateway  {ready.gateway}", f"  CRM      {ready.crm}"]
    lines += [] if ready.public_url is None else [f"  Public   {ready.public_url}"]
    lines += [*([] if ready.metrics is None else [f"  Metrics  {ready.metrics}/metrics"]), ""]
    lines += [f"  {remark}" for remark in ready.remarks] + ([""] if ready.remarks else [])
    if ready.api_key is None:
        lines += ["  The console:     moorage open", "  Another API key: moorage key create"]
    else:
        lines += [
            f"  API key  {ready.api_key}",
            "  It is shown this once; keep it. Try it:",
            "",
            f"  export MOORAGE_API_KEY={ready.api_key}",
            f"  curl -H 'Authorization: Bearer {ready.api_key}' \\",
            f"       '{ready.gateway}/zoho-crm/crm/v8/Leads?fields=First_Name,Last_Name,Email'",
        ]
    if ready.owner_link is not None and ready.is_entry:
        lines += ["", "  The console, signed in as its first owner, once and within 15 minutes:", ""]
        lines += [f"  {ready.owner_link}", "", "  Later: moorage open"]
    elif ready.owner_link is not None:
        lines += ["", "  The first owner signs in here, once and within a day:", "", f"  {ready.owner_link}"]
    print("\n".join([*lines, "", f"  {stop} stops it.", ""]), flush=True)


def _print_rehearsal(ready: "Ready", played: "Played", stop: str) -> None:
    """Print two commands for the other Moorage, each on one line, so that people can copy it."""
    secret = shlex.quote(str(played.secret_file))
    client_set = f"moorage client set zoho-crm --rehearsal {ready.crm} --client-id {played.client_id}"
    lines = [
        "",
        f"  In Zoho's place  {ready.crm}",
        f"  for the Moorage  {played.callback_url}",
        "",
        "  Tell that one, and connect:",
        "",
        f"  {client_set} --secret-file {secret}",
        "  moorage connection create zoho-crm",
        "",
        "  Afterwards: moorage client delete zoho-crm --data-centre rehearsal",
        "",
        f"  {stop} stops it.",
        "",
    ]
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    sys.exit(main())
