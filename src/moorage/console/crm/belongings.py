"""Notes, attachments and the photo of a record: what can be added to it, changed and taken away."""

import re
import secrets
from typing import Any
from urllib.parse import unquote

from starlette.responses import Response

from moorage.console.calls import Answer, Refused
from moorage.console.crm.place import Place, is_id, module_of, place_of, record_of
from moorage.console.crm.writing import outcomes
from moorage.console.saving import saved
from moorage.console.visit import Done, Page, Visit, get, post
from moorage.http.errors import NotFound
from moorage.web.browser import File
from moorage.web.pages import named_headers

MOST_FILE = 20 * 1024 * 1024  # Bytes of a file that a form uploads; the API takes up to 100 MB.
_NOTE = 256 * 1024
_ANY_NAME = re.compile(r"filename\*=UTF-8''([^;\s]+)", re.IGNORECASE)
_PLAIN_NAME = re.compile(r'filename="?([^";]*)', re.IGNORECASE)
# The kinds of images that CRMs keep, by their first bytes.
_IMAGES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
)


async def add_note(visit: Visit) -> Done:
    place, path = await _path(visit)
    answer = await place.write("POST", f"{path}/Notes", None, {"data": [_note(visit)]})
    return _back(visit, place, "Notes", answer, "The note is added.")


async def change_note(visit: Visit) -> Done:
    place, path = await _path(visit)
    note = _id(visit, "note")
    if visit.form.get("what") == "delete":
        answer = await place.write("DELETE", f"{path}/Notes/{note}")
        return _back(visit, place, "Notes", answer, "The note is deleted.")
    answer = await place.write("PUT", f"{path}/Notes/{note}", None, {"data": [_note(visit)]})
    return _back(visit, place, "Notes", answer, "The note is changed.")


def _note(visit: Visit) -> dict[str, Any]:
    title, text = visit.form.get("title", "").strip(), visit.form.get("text", "").replace("\r\n", "\n")
    return {"Note_Title": title or None, "Note_Content": text}


async def attach(visit: Visit) -> Done:
    place, path = await _path(visit)
    headers, body = _multipart(_file(visit))
    answer = await place.write("POST", f"{path}/Attachments", None, body, headers)
    return _back(visit, place, "Attachments", answer, "The file is attached.")


async def detach(visit: Visit) -> Done:
    place, path = await _path(visit)
    answer = await place.write("DELETE", f"{path}/Attachments/{_id(visit, 'attachment')}")
    return _back(visit, place, "Attachments", answer, "The attachment is deleted.")


async def download(visit: Visit) -> Response:
    """The bytes of an attachment, to be saved: whatever they are, a browser shows nothing of them."""
    place, path = await _path(visit)
    answer = await place.read(f"{path}/Attachments/{_id(visit, 'attachment')}")
    if answer.status != 200:
        raise NotFound("There is no such attachment.", help="It may be deleted.")
    told = answer.headers.get("content-disposition", "")
    if matched := _ANY_NAME.search(told):
        name = unquote(matched[1])
    else:
        name = matched[1] if (matched := _PLAIN_NAME.search(told)) else "file"
    return saved(answer.body, name, "application/octet-stream")


async def photo(visit: Visit) -> Response:
    place, path = await _path(visit)
    answer = await place.read(f"{path}/photo")
    kind = next((kind for start, kind in _IMAGES if answer.body.startswith(start)), None)
    if kind is None:
        raise NotFound("The record has no photo that can be shown.", help="Add a PNG, JPEG, GIF or BMP.")
    return Response(answer.body, headers=named_headers(sources="sandbox"), media_type=kind)


async def set_photo(visit: Visit) -> Done:
    place, path = await _path(visit)
    if visit.form.get("what") == "delete":
        answer = await place.write("DELETE", f"{path}/photo")
        return _back(visit, place, "", answer, "The photo is deleted.")
    headers, body = _multipart(_file(visit))
    answer = await place.write("POST", f"{path}/photo", None, body, headers)
    return _back(visit, place, "", answer, "The record has a new photo.")


async def _path(visit: Visit) -> tuple[Place, str]:
    return await place_of(visit), f"/{module_of(visit)}/{record_of(visit)}"


def _id(visit: Visit, name: str) -> str:
    identity = visit.of_path(name)
    if not is_id(identity):
        raise NotFound(f"There is no such {name}.", help="Go back to the record.")
    return identity


def _file(visit: Visit) -> File:
    file = visit.files.get("file")
    if file is None or not file.content:
        raise Refused(400, "file_needed", "No file was sent, or an empty one.", "Choose a file.")
    return file


def _multipart(file: File) -> tuple[dict[str, str], bytes]:
    """A form with the file, for the API."""
    boundary = secrets.token_hex(16)
    name = "".join(sign if sign.isprintable() and sign not in '"\\' else "_" for sign in file.name) or "file"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    head += "Content-Type: application/octet-stream\r\n\r\n"
    body = b"%b%b\r\n--%b--\r\n" % (head.encode("utf-8", "replace"), file.content, boundary.encode())
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}, body


def _back(visit: Visit, place: Place, tab: str, answer: Answer, note: str) -> Done:
    """Back to the record's tab. Raises Refused with the API's words."""
    [outcome] = outcomes(answer, 1)
    if answer.status >= 400 or not outcome.done:
        raise Refused(max(answer.status, 400), "app_refused", f"The app refused this: {outcome.words}")
    query = f"?tab={tab}" if tab else ""
    return Done(f"/crm/{place.id}/{module_of(visit)}/{record_of(visit)}{query}", note)


_RECORD = "/crm/{connection}/{module}/{record}"
PAGES: tuple[Page, ...] = (
    post(f"{_RECORD}/notes", add_note, most=_NOTE),
    post(f"{_RECORD}/notes/{{note}}", change_note, most=_NOTE),
    post(f"{_RECORD}/attachments", attach, most=MOST_FILE),
    get(f"{_RECORD}/attachments/{{attachment}}", download),
    post(f"{_RECORD}/attachments/{{attachment}}", detach),
    get(f"{_RECORD}/photo", photo),
    post(f"{_RECORD}/photo", set_photo, most=MOST_FILE),
)
