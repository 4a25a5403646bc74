"""What can be said of a connection's health: each finding with its cause, what shows it and what to do.

Nothing is asked here: whoever wants findings has looked at everything before (`diagnosis`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from moorage.connections.model import Connection
from moorage.oauth.apps.destinations import Place
from moorage.oauth.apps.providers import Provider
from moorage.oauth.tokens.renewal import BUDGET, WINDOW, Held
from moorage.oauth.transport.authorization_server import agreed, refusal
from moorage.oauth.transport.contract import Reply
from moorage.oauth.transport.refusal_codes import OF_THE_CLIENT, REASONS, RECONNECT, SCOPE_MISMATCH, reason
from moorage.vault.errors import VaultLocked

SKEW = 120.0  # Seconds that two clocks may be apart before it is worth a word.

Severity: TypeAlias = Literal["ok", "warning", "problem"]
Side: TypeAlias = Literal["accounts", "api"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`fix` is None for what needs none. No part of it ever holds a secret."""

    code: str
    severity: Severity
    cause: str
    evidence: str
    fix: str | None = None

    def without(self, secrets: Sequence[str]) -> "Finding":
        """The same with every such text taken out, should the other side have sent one back."""
        shown = [self.code, self.cause, self.evidence, self.fix or ""]
        for secret in secrets:
            shown = [text.replace(secret, "…") for text in shown]
        code, cause, evidence, fix = shown
        return Finding(code, self.severity, cause, evidence, fix or None)


@dataclass(frozen=True, slots=True)
class Visit:
    """A server that was asked once: what it answered `at` which moment of our clock, or why nothing came."""

    side: Side
    url: str
    at: float
    reply: Reply | None = None
    silence: str = ""
    with_token: bool = False

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or "the embedded CRM"

    @property
    def evidence(self) -> str:
        """What was asked and what came of it."""
        if self.reply is None:
            return self.silence
        code = refusal(self.reply)
        asked = f"GET {self.url} {'with' if self.with_token else 'without'} the token"
        return f"{asked} was answered with {self.reply.status}{f' {code}' if code else ''}."


@dataclass(frozen=True, slots=True)
class Case:
    """All that was looked at. `held` is None if the vault did not open; `astray` says why there is no `place`."""

    connection: Connection
    provider: Provider
    now: float
    place: Place | None
    astray: str | None
    held: Held | None
    has_client: bool
    visits: Sequence[Visit]

    @property
    def is_spent(self) -> bool:
        """Whether the token that is kept has ended, or there is none."""
        return self.held is None or self.held.usable(self.now) is None


def findings(case: Case) -> list[Finding]:
    """What is to be said, the most general first; a single `ok` when all is well."""
    connection = case.connection
    found = [*_of_status(case), *_of_place(case)]
    if connection.status == "ACTIVE":
        found += [*_of_tokens(case), *_of_scopes(connection)]
    for visit in case.visits:
        found += _of_visit(case, visit)
    found += _of_clocks(case.visits)
    return found or [_well(case)]


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
        if code == case.astray:  # What made it fail lasts, and is said once.
            evidence = f"{evidence} {_astray(connection)}"
        yield Finding(code, "problem", meaning.cause, evidence, meaning.fix)
    if case.astray is not None and case.astray != code:
        meaning = reason(case.astray)
        yield Finding(case.astray, "problem", meaning.cause, _astray(connection), meaning.fix)


def _astray(connection: Connection) -> str:
    """Where a connection leads that leads nowhere any more."""
    upstream = connection.upstream
    where = (upstream.organisation or upstream.data_centre) if upstream is not None else None
    told = connection.metadata.get("data_centre", "nothing")
    return f"It leads to {where}; of its data centre, metadata says {told}."


def _of_place(case: Case) -> Iterator[Finding]:
    place, provider = case.place, case.provider
    if place is not None and not place.embedded and len(provider.data_centres) > 1:
        yield from _of_centre(case, place)
    if case.has_client:
        return
    cause = "There is no OAuth client for the data centre, so the connection gets no new token."
    where, option = "", ""
    if place is not None:
        where, option = f" in {place.centre}, nor for all data centres", f" --data-centre {place.centre}"
    evidence = f"None is kept for {provider.client_name}{where}."
    fix = f"Register one in the app's developer console and keep it: `moorage client set {provider.name}{option}`."
    yield Finding("oauth_client_missing", "problem", cause, evidence, fix)


def _of_centre(case: Case, place: Place) -> Iterator[Finding]:
    """Whether calls go to the data centre that the tokens come from."""
    centres = case.provider.data_centres
    leads = [key for key, centre in centres.items() if place.upstream.base_url in centre.apis.values()]
    told = case.connection.metadata.get("data_centre", place.centre)
    if leads and not {place.centre, told} <= set(leads):
        evidence = (
            f"Calls go to {urlsplit(place.api).hostname} ({', '.join(leads)}), tokens come from"
            f" {urlsplit(place.tokens).hostname} ({place.centre}), metadata says {told}."
        )
        cause = "Calls go to another data centre than the one that the tokens come from."
        yield Finding("wrong_data_centre", "problem", cause, evidence, RECONNECT)


def _of_tokens(case: Case) -> Iterator[Finding]:
    held = case.held
    urgency: Severity = "problem" if case.is_spent else "warning"
    if held is None:
        locked = VaultLocked()
        evidence = "What the vault keeps of this connection could not be opened."
        yield Finding(locked.code, "problem", locked.message, evidence, locked.help)
    elif held.access is None:
        cause = "The connection holds no token."
        yield Finding("token_missing", "problem", cause, "The vault keeps none of it.", RECONNECT)
    elif held.refresh is None and held.access.expires_at is not None:
        meaning = reason("no_refresh_token")
        evidence = (
            f"The vault keeps a token that ends at {when(held.access.expires_at)}, and no refresh token."
        )
        yield Finding("no_refresh_token", urgency, meaning.cause, evidence, meaning.fix)
    elif held.refresh is not None:
        yield from _of_renewal(case, held, urgency)


def _of_renewal(case: Case, held: Held, urgency: Severity) -> Iterator[Finding]:
    if held.lease.failures and case.has_client:
        failure = held.lease.failure or "unknown"
        code = failure if failure in REASONS else "accounts_silent"
        meaning = REASONS[code]
        evidence = (
            f"{_times(held.lease.failures)} in a row no new token could be had, the last time for: {failure}"
            f"{'' if failure.endswith('.') else '.'} The next try is possible at"
            f" {when(max(held.lease.retry_at, case.now))}."
        )
        # A client that is set wrong doesn't mend itself, whatever the token that is there still does.
        severity = "problem" if code in OF_THE_CLIENT else urgency
        yield Finding(code, severity, meaning.cause, evidence, meaning.fix)
    if len(held.mints) >= BUDGET:
        free = when(held.mints[-BUDGET] + WINDOW)
        evidence = f"{len(held.mints)} of {BUDGET} within ten minutes; another is possible at {free}."
        cause = "As many new tokens were asked for as the app allows in ten minutes."
        fix = "Wait until then. Each token that the app refuses costs another one: find out why it does."
        yield Finding("refresh_limited", urgency, cause, evidence, fix)


def _of_scopes(connection: Connection) -> Iterator[Finding]:
    missing = connection.metadata.get("scopes_missing")
    if isinstance(missing, list) and missing:
        evidence = f"Not granted: {', '.join(str(scope) for scope in missing)}."
        meaning = REASONS[SCOPE_MISMATCH]
        yield Finding(
            "scopes_missing", "warning", "Less was granted than was asked for.", evidence, meaning.fix
        )


def _of_visit(case: Case, visit: Visit) -> Iterator[Finding]:
    is_api = visit.side == "api"
    who, loss = ("API", "calls fail") if is_api else ("accounts server", "no new token can be had")
    if visit.reply is None:
        fix = f"See what keeps this machine from {visit.host}: name service, firewall, certificates, or the host."
        cause = f"The {who} can't be reached, so {loss}."
        yield Finding(f"{visit.side}_unreachable", "problem", cause, visit.evidence, fix)
    elif visit.reply.status >= 500:
        severity: Severity = "problem" if is_api else "warning"
        fix = "Wait, or see what the app says about its state."
        yield Finding(f"{visit.side}_failing", severity, f"The {who} has trouble.", visit.evidence, fix)
    elif visit.reply.status == 429:
        cause = f"The {who} is asked too often."
        fix = "Wait, and make fewer calls at a time. The app's documentation says how many it takes."
        yield Finding("throttled", "warning", cause, visit.evidence, fix)
    elif visit.with_token and (visit.reply.status == 401 or _says_no(visit.reply)):
        yield _refused(case, visit)
    elif visit.with_token and visit.reply.status >= 300:
        cause = "The API takes the token and does not answer the call by which it was tried."
        fix = "See what the app's documentation says about the answer."
        yield Finding("call_refused", "warning", cause, visit.evidence, fix)


def _says_no(reply: Reply) -> bool:
    """Whether it is no, in spite of a status that says yes."""
    return reply.status < 300 and not agreed(reply)


def _refused(case: Case, visit: Visit) -> Finding:
    """What it means that the API does not take a token that has not ended."""
    said = refusal(visit.reply) if visit.reply is not None else None
    if said == SCOPE_MISMATCH:
        meaning = REASONS[SCOPE_MISMATCH]
        return Finding(SCOPE_MISMATCH, "warning", meaning.cause, visit.evidence, meaning.fix)
    code = said if said in REASONS else "INVALID_TOKEN"
    meaning, evidence = REASONS[code], visit.evidence
    if case.place is not None and not case.place.embedded and len(case.provider.data_centres) > 1:
        told = case.connection.metadata.get("data_centre", "nothing")
        evidence += (
            f" The connection leads to the data centre {case.place.centre}, metadata says {told}; a token of"
            " another data centre looks exactly like this."
        )
    fix = meaning.fix
    if case.held is not None and case.held.refresh is not None:
        fix = f"Make a call: one that is refused has the token renewed, once. If it stays: {fix}"
    return Finding(code, "problem", meaning.cause, evidence, fix)


def _of_clocks(visits: Sequence[Visit]) -> Iterator[Finding]:
    apart = [
        f"{visit.host} says {when(visit.reply.date)}, this machine {when(visit.at)}"
        for visit in visits
        if visit.reply is not None
        and visit.reply.date is not None
        and abs(visit.reply.date - visit.at) > SKEW
    ]
    if apart:
        cause = "This machine's clock and the other side's are apart."
        fix = "Let this machine's time be set from the network, as by NTP."
        yield Finding("clock_skew", "warning", cause, f"{'; '.join(apart)}.", fix)


def _well(case: Case) -> Finding:
    """That nothing is wrong, as far as could be seen."""
    tried = next((visit for visit in case.visits if visit.with_token), None)
    access = case.held.access if case.held is not None else None
    ends = access.expires_at if access is not None else None
    until = "The token does not end." if ends is None else f"The token ends at {when(ends)}."
    if tried is not None:
        return Finding(
            "connected", "ok", "The app takes the connection's token.", f"{tried.evidence} {until}"
        )
    if case.is_spent:
        cause = "The connection's token has ended, and the next call has it renewed."
        return Finding("connected", "ok", cause, until)
    cause = "The connection holds a token, and the app has no call to try it by."
    return Finding("connected", "ok", cause, until)


def when(moment: float) -> str:
    """Seconds since the epoch as people read them."""
    try:
        return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError):  # Of a year that no calendar here has.
        return "a time out of all reckoning"


def _times(number: int) -> str:
    return "Once" if number == 1 else f"{number} times"
