"""Files in the arguments of actions that upload one."""

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from typing import Any

NAME, TEXT, BYTES = "file_name", "file_text", "file_base64"
ARGUMENTS = (NAME, TEXT, BYTES)
_NAME = re.compile(r'[^\x00-\x1f\x7f"\\/\ud800-\udfff]{1,200}')


def form_with(field: str, given: Mapping[str, Any]) -> tuple[str, bytes]:
    """A form with the file: its media type and its bytes. Raises ValueError, with a sentence for the agent."""
    name, content = given[NAME], _content(given)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{NAME} has to be the name of a file, such as leads.csv.")
    boundary = secrets.token_hex(16)
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    return f"multipart/form-data; boundary={boundary}", b"%b%b\r\n--%b--\r\n" % (
        head.encode(),
        content,
        boundary.encode(),
    )


def _content(given: Mapping[str, Any]) -> bytes:
    text, coded = given.get(TEXT), given.get(BYTES)
    if (text is None) == (coded is None) or not isinstance(text or coded or "", str):
        raise ValueError(f"Give the content of the file in {TEXT} or in {BYTES}.")
    try:
        return base64.b64decode(coded, validate=True) if coded is not None else str(text).encode()
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError(f"The content of the file can't be read: {BYTES} has to be base64.") from None
