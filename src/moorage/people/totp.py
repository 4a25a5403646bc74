"""Codes that a person's phone shows: one for each half a minute, by a shared secret (RFC 6238), and recovery codes."""

import base64
import hmac
import re
import secrets
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6
_SECRET_BYTES = 20  # As RFC 4226 recommends for SHA-1, which all phones know.
_NEIGHBOURS = (-1, 0, 1)  # Clocks differ by so many steps, and people need a moment to type.
_CODE = re.compile(rf"[0-9]{{{DIGITS}}}")
_RECOVERY_CODES = 10
_RECOVERY = re.compile(r"[a-z2-7]{16}")  # 80 bits, so that nobody finds one that fits its digest.


def new_secret() -> str:
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def code_at(secret: str, step: int) -> str:
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0xF
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def matching_step(secret: str, code: str, now: float, used: int | None) -> int | None:
    """The step to which a code belongs; None if it belongs to none near `now`, or to none after the `used` one."""
    code = "".join(code.split())
    if not _CODE.fullmatch(code):
        return None
    present = int(now // STEP_SECONDS)
    for step in (present + neighbour for neighbour in _NEIGHBOURS):
        if hmac.compare_digest(code_at(secret, step), code) and (used is None or step > used):
            return step
    return None


def enrolment_uri(secret: str, email: str, host: str) -> str:
    """What the QR code contains, in the form that the apps on phones know."""
    issuer = f"Moorage {host}"
    parameters = urlencode({"secret": secret, "issuer": issuer}, quote_via=quote)
    return f"otpauth://totp/{quote(f'{issuer}:{email}')}?{parameters}"


def new_recovery_codes() -> list[str]:
    """Codes for somebody who has lost the phone, as they are shown: in groups of four."""
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(_RECOVERY_CODES)]
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]


def recovery_code(text: str) -> str | None:
    """The text as a recovery code without its groups; None if it can't be one."""
    code = re.sub(r"[\s-]", "", text[:64]).lower()
    return code if _RECOVERY.fullmatch(code) else None
