"""The second half of `moorage up`: the program that the command becomes once its options are known to be right.

A command line needs Typer and what that loads, which a server would carry for as long as it runs.
"""

import json
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NoReturn

from moorage.errors import MoorageError
from moorage.settings import load

if TYPE_CHECKING:
    from moorage.serve.up import Played, Ready

# glibc would give the end of the heap back to the system after each large answer and take it again, page fault by page
# fault, for the next: a fifth more CPU time for a list of 200 kilobytes. So it keeps some megabytes.
_ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": "4194304", "MALLOC_MMAP_THRESHOLD_": "4194304"}


def become_server(
    *,
    workers: int,
    as_json: bool,
    plays_for: str | None = None,
    environ: Mapping[str, str] = os.environ,
    **options: Any,
) -> NoReturn:
    """Go on as the server in this process, with nothing of this program left. `options` win over the environment.

    `plays_for` is the callback URL of another Moorage, to which it plays Zoho.
    """
    given = {name: str(value) for name, value in options.items() if value is not None}
    handed_over = json.dumps(
        {"workers": workers, "as_json": as_json, "plays_for": plays_for, "options": given}
    )
    # -P, as the working folder must not become a place that modules come from. Secrets stay in the environment.
    command = [sys.executable, "-P", "-m", __name__, handed_over]
    os.execve(command[0], command, {**_ALLOCATOR, **environ})  # noqa: S606 (no shell is wanted, and nothing here is a stranger's)


def main() -> int:
    """Serve with what `become_server` handed over; the exit status (see docs/cli.md)."""
    given = json.loads(sys.argv[1])
    try:
        _serve(**given)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except (MoorageError, OSError) as error:
        from moorage.cli.failures import report  # noqa: PLC0415 (it brings Typer along)

        return report(error, as_json=given["as_json"])
    return 0


def _serve(*, workers: int, as_json: bool, plays_for: str | None, options: dict[str, str]) -> None:
    from moorage.serve.up import up  # noqa: PLC0415 (the command line has no use for what the server is made of)

    announce = _print_event if as_json else _print_banner
    up(load(os.environ, **options), workers=workers, announce=announce, plays_for=plays_for)


def _print_event(ready: "Ready") -> None:
    event: dict[str, Any] = {
        "event": "ready",
        "gateway": ready.gateway,
        "crm": ready.crm,
        "api_key": ready.api_key,
    }
    if ready.played is not None:
        event["client"] = {name: str(value) for name, value in asdict(ready.played).items()}
    print(json.dumps(event), flush=True)


def _print_banner(ready: "Ready") -> None:
    if ready.played is not None:
        _print_part(ready, ready.played)
        return
    lines = ["", f"  Gateway  {ready.gateway}", f"  CRM      {ready.crm}", ""]
    lines += [f"  {remark}" for remark in ready.remarks] + ([""] if ready.remarks else [])
    if ready.api_key is None:
        lines += ["  Another API key: moorage key create"]
    else:
        lines += [
            f"  API key  {ready.api_key}",
            "  It is shown this once; keep it. Try it:",
            "",
            f"  export MOORAGE_API_KEY={ready.api_key}",
            f"  curl -H 'Authorization: Bearer {ready.api_key}' \\",
            f"       '{ready.gateway}/zoho-crm/crm/v8/Leads?fields=First_Name,Last_Name,Email'",
        ]
    print("\n".join([*lines, "", "  Ctrl-C stops it.", ""]), flush=True)


def _print_part(ready: "Ready", played: "Played") -> None:
    """What to tell the Moorage to which this one plays Zoho: two commands to copy, each on one line."""
    secret = shlex.quote(str(played.secret_file))
    tell = f"moorage client set zoho-crm --rehearsal {ready.crm} --client-id {played.client_id}"
    lines = [
        "",
        f"  In Zoho's place  {ready.crm}",
        f"  for the Moorage  {played.callback_url}",
        "",
        "  Tell that one, and connect:",
        "",
        f"  {tell} --secret-file {secret}",
        "  moorage connection create zoho-crm",
        "",
        "  Afterwards: moorage client delete zoho-crm --data-centre rehearsal",
        "",
        "  Ctrl-C stops it.",
        "",
    ]
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    sys.exit(main())
