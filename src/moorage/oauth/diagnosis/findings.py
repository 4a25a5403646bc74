"""Findings about the health of a connection. Each has a cause, evidence and a fix.

This module makes no requests. `service.py` collects all facts before.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from moorage.connections.model import Connection
from moorage.oauth.apps.destinations import Destination
from moorage.oauth.apps.model import Provider
from moorage.oauth.tokens.renewal import BUDGET, WINDOW, TokenState
from moorage.oauth.transport.authorization_server import agreed, error_code_of
from moorage.oauth.transport.contract import HttpReply
from moorage.oauth.transport.refusal_codes import OF_THE_CLIENT, REASONS, RECONNECT, SCOPE_MISMATCH, reason
from moorage.vault.errors import VaultLocked

SKEW = 120.0  # Two clocks that differ by more seconds are a finding.

Severity: TypeAlias = Literal["ok", "warning", "problem"]
Side: TypeAlias = Literal["accounts", "api"]


class Finding(msgspec.Struct, frozen=True):
    """`fix` is None if nothing has to be done. No part of a finding holds a secret."""

    code: str
    severity: Severity
    cause: str
    evidence: str
    fix: str | None = None

    def without(self, secrets: Sequence[str]) -> "Finding":
        """The same finding without these secrets, in case the other side has sent one of them back."""
        texts = [self.code, self.cause, self.evidence, self.fix or ""]
        for secret in secrets:
            texts = [text.replace(secret, "…") for text in texts]
        code, cause, evidence, fix = texts
        return Finding(code, self.severity, cause, evidence, fix or None)


class Probe(msgspec.Struct, frozen=True):
    """One request to a server, with its reply or the reason for its silence. `at` is the time by our clock."""

    side: Side
    url: str
    at: float
    reply: HttpReply | None = None
    silence: str = ""
    with_token: bool = False

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or "the embedded CRM"

    @property
    def evidence(self) -> str:
        """The request and its result, as a sentence."""
        if self.reply is None:
            return self.silence
        code = error_code_of(self.reply)
        request = f"GET {self.url} {'with' if self.with_token else 'without'} the token"
        return f"{request} was answered with {self.reply.status}{f' {code}' if code else ''}."


class Case(msgspec.Struct, frozen=True):
    """All collected facts. `tokens` is None if the vault is locked. If there is no `destination`, `fault` is a code."""

    connection: Connection
    provider: Provider
    now: float
    destination: Destination | None
    fault: str | None
    tokens: TokenState | None
    has_client: bool
    probes: Sequence[Probe]

    @property
    def is_spent(self) -> bool:
        """True if there is no token, or the token has expired."""
        return self.tokens is None or self.tokens.usable(self.now) is None


def findings(case: Case) -> list[Finding]:
    """All findings, the most general first; a single `ok` if nothing is wrong."""
    connection = case.connection
    all_findings = [*_of_status(case), *_of_destination(case)]
    if connection.status == "ACTIVE":
        all_findings += [*_of_tokens(case), *_of_scopes(connection)]
    for probe in case.probes:
        all_findings += _of_probe(case, probe)
    all_findings += _of_clocks(case.probes)
    return all_findings or [_healthy(case)]


def _of_status(case: Case) -> Iterator[Finding]:
    connection, code = case.connection, None
    if connection.status == "PENDING":
        evidence = f"It is PENDING since {when(connection.created / 1_000_000)}."
        fix = "Open the connection's url and connect it."
        yield Finding("not_connected", "warning", "Nobody has connected it yet.", evidence, fix)
    if connection.status == "FAILED":
        code = str(connection.metadata.get("reason", "unknown"))
        meaning = reason(code)
        evidence = f"It is FAILED since {when(connection.updated / 1_000_000)}; the reason noted is {code}."
        if code == case.fault:  # The reason of the failure still exists. It is reported once.
            evidence = f"{evidence} {_missing_destination(connection)}"
        yield Finding(code, "problem", meaning.cause, evidence, meaning.fix)
    if case.fault is not None and case.fault != code:
        meaning = reason(case.fault)
        yield Finding(case.fault, "problem", meaning.cause, _missing_destination(connection), meaning.fix)


def _missing_destination(connection: Connection) -> str:
    """Evidence about a destination that no longer exists."""
    upstream = connection.upstream
    name = (upstream.organisation or upstream.data_centre) if upstream is not None else None
    noted = connection.metadata.get("data_centre", "nothing")
    return f"It leads to {name}; its metadata has the data centre {noted}."


def _of_destination(case: Case) -> Iterator[Finding]:
    destination, provider = case.destination, case.provider
    if destination is not None and not destination.embedded and len(provider.data_centres) > 1:
        yield from _of_centre(case, destination)
    if case.has_client:
        return
    cause = "There is no OAuth client for the data centre, so the connection can't get a new token."
    where, option = "", ""
    if destination is not None:
        where, option = (
            f" in {destination.centre}, nor for all data centres",
            f" --data-centre {destination.centre}",
        )
    evidence = f"There is none for {provider.client_name}{where}."
    fix = f"Register a client in the app's developer console, and run `moorage client set {provider.name}{option}`."
    yield Finding("oauth_client_missing", "problem", cause, evidence, fix)


def _of_centre(case: Case, destination: Destination) -> Iterator[Finding]:
    """The finding that calls go to another data centre than the one that the tokens come from."""
    centres = case.provider.data_centres
    called = [key for key, centre in centres.items() if destination.upstream.base_url in centre.apis.values()]
    noted = case.connection.metadata.get("data_centre", destination.centre)
    if called and not {destination.centre, noted} <= set(called):
        evidence = (
            f"Calls go to {urlsplit(destination.api).hostname} ({', '.join(called)}), tokens come from"
            f" {urlsplit(destination.tokens).hostname} ({destination.centre}), metadata says {noted}."
        )
        cause = "Calls go to another data centre than the one that the tokens come from."
        yield Finding("wrong_data_centre", "problem", cause, evidence, RECONNECT)


def _of_tokens(case: Case) -> Iterator[Finding]:
    tokens = case.tokens
    urgency: Severity = "problem" if case.is_spent else "warning"
    if tokens is None:
        locked = VaultLocked()
        evidence = "The connection's secrets in the vault could not be decrypted."
        yield Finding(locked.code, "problem", locked.message, evidence, locked.help)
    elif tokens.access is None:
        cause = "The connection holds no token."
        yield Finding("token_missing", "problem", cause, "The vault has no token of it.", RECONNECT)
    elif tokens.refresh is None and tokens.access.expires_at is not None:
        meaning = reason("no_refresh_token")
        evidence = (
            f"The vault has a token that expires at {when(tokens.access.expires_at)}, and no refresh token."
        )
        yield Finding("no_refresh_token", urgency, meaning.cause, evidence, meaning.fix)
    elif tokens.refresh is not None:
        yield from _of_renewal(case, tokens, urgency)


def _of_renewal(case: Case, tokens: TokenState, urgency: Severity) -> Iterator[Finding]:
    if tokens.lease.failures and case.has_client:
        failure = tokens.lease.failure or "unknown"
        code = failure if failure in REASONS else "accounts_silent"
        meaning = REASONS[code]
        evidence = (
            f"The last {_renewals(tokens.lease.failures)} failed. The last reason: {failure}"
            f"{'' if failure.endswith('.') else '.'} The next try is possible at"
            f" {when(max(tokens.lease.retry_at, case.now))}."
        )
        # A client with wrong settings is a problem even while the present token still works.
        severity = "problem" if code in OF_THE_CLIENT else urgency
        yield Finding(code, severity, meaning.cause, evidence, meaning.fix)
    if len(tokens.mints) >= BUDGET:
        free = when(tokens.mints[-BUDGET] + WINDOW)
        evidence = f"{len(tokens.mints)} of {BUDGET} within ten minutes; the next is possible at {free}."
        cause = "The connection has requested as many new tokens as the app allows in ten minutes."
        fix = (
            "Wait until then. Each token that the app refuses costs a new one: find out why it refuses them."
        )
        yield Finding("refresh_limited", urgency, cause, evidence, fix)


def _of_scopes(connection: Connection) -> Iterator[Finding]:
    missing = connection.metadata.get("scopes_missing")
    if isinstance(missing, list) and missing:
        evidence = f"Not granted: {', '.join(str(scope) for scope in missing)}."
        meaning = REASONS[SCOPE_MISMATCH]
        yield Finding(
            "scopes_missing", "warning", "Not all requested scopes were granted.", evidence, meaning.fix
        )


def _of_probe(case: Case, probe: Probe) -> Iterator[Finding]:
    is_api = probe.side == "api"
    who, loss = ("API", "calls fail") if is_api else ("accounts server", "the token can't be renewed")
    if probe.reply is None:
        fix = f"Find out why this machine can't reach {probe.host}: DNS, firewall, certificates, or the host itself."
        cause = f"The {who} can't be reached, so {loss}."
        yield Finding(f"{probe.side}_unreachable", "problem", cause, probe.evidence, fix)
    elif probe.reply.status >= 500:
        severity: Severity = "problem" if is_api else "warning"
        fix = "Wait, or look at the app's own page about its state."
        yield Finding(f"{probe.side}_failing", severity, f"The {who} has trouble.", probe.evidence, fix)
    elif probe.reply.status == 429:
        cause = f"The {who} gets too many requests."
        fix = "Wait, and make fewer calls at a time. The app's documentation has its limits."
        yield Finding("throttled", "warning", cause, probe.evidence, fix)
    elif probe.with_token and (probe.reply.status == 401 or _says_no(probe.reply)):
        yield _refused(case, probe)
    elif probe.with_token and probe.reply.status >= 300:
        cause = "The API accepts the token, but refuses the call of this diagnosis."
        fix = "Look the answer up in the app's documentation."
        yield Finding("call_refused", "warning", cause, probe.evidence, fix)


def _says_no(reply: HttpReply) -> bool:
    """True if the reply is a refusal although its status means success."""
    return reply.status < 300 and not agreed(reply)


def _refused(case: Case, probe: Probe) -> Finding:
    """The finding for an API that refuses a token that has not expired."""
    api_code = error_code_of(probe.reply) if probe.reply is not None else None
    if api_code == SCOPE_MISMATCH:
        meaning = REASONS[SCOPE_MISMATCH]
        return Finding(SCOPE_MISMATCH, "warning", meaning.cause, probe.evidence, meaning.fix)
    code = api_code if api_code in REASONS else "INVALID_TOKEN"
    meaning, evidence = REASONS[code], probe.evidence
    if case.destination is not None and not case.destination.embedded and len(case.provider.data_centres) > 1:
        noted = case.connection.metadata.get("data_centre", "nothing")
        evidence += (
            f" The connection leads to the data centre {case.destination.centre}, metadata says {noted}; a token"
            " from another data centre would be refused in the same way."
        )
    fix = meaning.fix
    if case.tokens is not None and case.tokens.refresh is not None:
        fix = f"Make a call: a refused call renews the token once. If the problem remains: {fix}"
    return Finding(code, "problem", meaning.cause, evidence, fix)


def _of_clocks(probes: Sequence[Probe]) -> Iterator[Finding]:
    differences = [
        f"{probe.host} says {when(probe.reply.date)}, this machine {when(probe.at)}"
        for probe in probes
        if probe.reply is not None
        and probe.reply.date is not None
        and abs(probe.reply.date - probe.at) > SKEW
    ]
    if differences:
        cause = "This machine's clock and the other side's clock differ."
        fix = "Set this machine's time from the network, for example with NTP."
        yield Finding("clock_skew", "warning", cause, f"{'; '.join(differences)}.", fix)


def _healthy(case: Case) -> Finding:
    """The finding that no problem was found."""
    api_probe = next((probe for probe in case.probes if probe.with_token), None)
    access = case.tokens.access if case.tokens is not None else None
    ends = access.expires_at if access is not None else None
    until = "The token does not expire." if ends is None else f"The token expires at {when(ends)}."
    if api_probe is not None:
        return Finding(
            "connected", "ok", "The app accepts the connection's token.", f"{api_probe.evidence} {until}"
        )
    if case.is_spent:
        cause = "The connection's token has expired, and the next call will renew it."
        return Finding("connected", "ok", cause, until)
    cause = "The connection holds a token. The app's file names no call that could test it."
    return Finding("connected", "ok", cause, until)


def when(moment: float) -> str:
    """A time in seconds since the epoch, for people."""
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError):  # A year beyond the calendar.
        return "an impossible date"


def _renewals(number: int) -> str:
    return "renewal" if number == 1 else f"{number} renewals"
