"""E-mails of records, and drafts of e-mails. They are companions of their records, and never leave this machine.

`address` and the like read what a body says [Z send-mail].
"""

import re
import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from moorage.crm.faults import Fault
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Document
from moorage.crm.metadata.times import instant
from moorage.crm.records.values import EMAIL
from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.contract.files import NewFile, StoredFile
from moorage.crm.storage.contract.records import Transaction

KIND, DRAFT = "email", "email draft"
LONGEST_ADDRESS, LONGEST_NAME = 100, 255
LONGEST_SUBJECT = 250
LONGEST_CONTENT = 200_000
MOST_RECIPIENTS = 100  # Of each kind.
MOST_ATTACHMENTS = 10
MOST_IMAGES = 20
FORMATS = ("html", "text")
_TAGS = re.compile(r"<[^>]*>")
_IMAGE_SOURCE = re.compile(
    r"(?P<before><img\b[^<>]{0,500}?\bsrc=)[\"'](?P<key>[0-9a-f]{80})[\"']", re.ASCII | re.IGNORECASE
)


class Address(Struct, frozen=True):
    user_name: str | None
    email: str


class Attachment(Struct, frozen=True):
    """`id` is the key of the file, which belongs to the e-mail."""

    id: str
    name: str
    size: int


class Email(Struct, frozen=True):
    """`module` is the API name of its record's module. `time` is in seconds; until then it is scheduled.

    `source` says how it came: `crm` for one that was sent here, `associated` for one that was sent elsewhere.
    """

    message_id: str
    module: str
    user: int
    sender: Address
    to: list[Address]
    cc: list[Address]
    bcc: list[Address]
    reply_to: Address | None
    subject: str | None
    content: str | None
    mail_format: str
    time: int
    created: int
    source: str = "crm"
    is_sent: bool = True
    original_message_id: str | None = None
    in_reply_to: str | None = None
    attachments: list[Attachment] = []
    images: list[str] = []  # The keys of the images in its content, which belong to it as well.

    def is_scheduled(self, now: float) -> bool:
        return self.source == "crm" and self.time > now


def email_of(companion: Companion) -> Email:
    return msgspec.convert(companion.body, Email)


def companion_of(email: Email, companion: int, record: int) -> Companion:
    name = email.original_message_id or email.message_id
    return Companion(companion, KIND, record, name, msgspec.to_builtins(email))


def new_message_id() -> str:
    return secrets.token_hex(32)


# What a body says


def address(spec: JsonObject, name: str) -> Address | None:
    member = spec.inner(name)
    return None if member is None else _address(member)


def required_address(spec: JsonObject, name: str) -> Address:
    member = address(spec, name)
    if member is None:
        raise spec.missing(name)
    return member


def addresses(spec: JsonObject, name: str) -> list[Address]:
    if name not in spec:
        return []
    return [_address(item) for item in spec.items(name, MOST_RECIPIENTS)]


def _address(spec: JsonObject) -> Address:
    email = spec.text("email", LONGEST_ADDRESS)
    if email is None:
        raise spec.missing("email")
    if not EMAIL.fullmatch(email):
        raise spec.invalid("email", expected_data_type="email")
    return Address(spec.text("user_name", LONGEST_NAME), email)


def mail_format(spec: JsonObject) -> str:
    value = spec.raw("mail_format")
    if value is None:
        return "html"
    if value not in FORMATS:
        raise spec.invalid("mail_format", supported_values=list(FORMATS))
    return str(value)


def moment(spec: JsonObject, name: str) -> int | None:
    if name not in spec:
        return None
    text = spec.raw(name)
    time = instant(text) if isinstance(text, str) else None
    if time is None:
        raise spec.invalid(name, expected_data_type="datetime")
    return time


def refuse_templates(spec: JsonObject) -> None:
    """An organisation has no templates, so an id can't be right. Raises the Fault."""
    template = spec.inner("template")
    if template is not None:
        if "content" in spec:
            places = [spec.place(name) for name in ("template", "content")]
            code = "AMBIGUITY_DURING_PROCESSING"
            raise Fault(400, code, "cannot use template and content together", {"ambiguity_due_to": places})
        raise template.invalid("id") if "id" in template else template.missing("id")
    inventory = spec.inner("inventory_details")
    if inventory is not None:
        template = inventory.inner("inventory_template")
        if template is None:
            raise inventory.missing("inventory_template")
        raise template.invalid("id") if "id" in template else template.missing("id")


def attached(transaction: Transaction, spec: JsonObject, owner: int, user: int) -> list[Attachment]:
    """The files that a body attaches by their ids. Each becomes a file of the e-mail, with the same bytes."""
    if "attachments" not in spec:
        return []
    items = spec.items("attachments", MOST_ATTACHMENTS)
    keys = [item.text("id", 200) for item in items]
    files = transaction.files.find([key for key in keys if key is not None])
    wanted: list[StoredFile] = []
    for item, key in zip(items, keys, strict=True):
        if key is None:
            raise item.missing("id")
        if key not in files or files[key].owner is not None:
            raise item.invalid("id")
        wanted.append(files[key])
    copies = [NewFile(file.name, user, file.size, file.content, owner=owner) for file in wanted]
    return [Attachment(file.key, file.name, file.size) for file in transaction.files.add(copies)]


def with_images(
    transaction: Transaction, content: str | None, owner: int, user: int
) -> tuple[str | None, list[str]]:
    """A content of HTML whose images are uploaded files, and the keys of the images.

    The `src` of an image is the id of an upload. The e-mail gets a file of its own with the same bytes, and shows its
    id as `img_id`, too.
    """
    named_keys = dict.fromkeys(image["key"] for image in _IMAGE_SOURCE.finditer(content or ""))
    files = transaction.files.find(list(named_keys)[:MOST_IMAGES])
    own = {key: file for key, file in files.items() if file.owner is None and file.content is not None}
    copies = [NewFile(file.name, user, file.size, file.content, owner=owner) for file in own.values()]
    keys = {key: added.key for key, added in zip(own, transaction.files.add(copies), strict=True)}

    def named(image: re.Match[str]) -> str:
        key = keys.get(image["key"])
        return image[0] if key is None else f'{image["before"]}"{key}" img_id="{key}"'

    return _IMAGE_SOURCE.sub(named, content) if content and keys else content, list(keys.values())


def remove_attached(transaction: Transaction, records: Sequence[int]) -> None:
    """Remove the files of the e-mails and drafts of records that are removed for good."""
    of_records = [transaction.companions.of(kind, records) for kind in (KIND, DRAFT)]
    owners = [each.id for of_kind in of_records for kept in of_kind.values() for each in kept]
    if owners:
        transaction.files.remove_all_of(owners)


def summary(content: str | None, *, is_html: bool) -> str | None:
    """The beginning of a content, without tags."""
    if content is None:
        return None
    text = _TAGS.sub(" ", content[:2000]) if is_html else content
    return " ".join(text.split())[:200] or None


def from_addresses(user: Document) -> Sequence[dict[str, Any]]:
    """The addresses from which a user may send: their own."""
    body = user.body
    own = {"email": body["email"], "type": "primary", "id": str(user.id), "user_name": body["full_name"]}
    return [{**own, "default": True}]
