"""The zips that were uploaded for bulk writes, as a job reads them."""

import io
import zipfile

from moorage.crm.jobs.csv_files import Unreadable, open_zip
from moorage.crm.jobs.model import JobFailed
from moorage.crm.jobs.threads import in_thread
from moorage.crm.storage.contract.organisations import Organisation

MOST_BYTES = 25 * 1024 * 1024  # Of one zip.


class Uploads:
    """Opens each zip once."""

    def __init__(self) -> None:
        self._open: dict[str, zipfile.ZipFile] = {}

    async def open(self, organisation: Organisation, key: str) -> zipfile.ZipFile:
        """Raises JobFailed if the zip is not kept any more, or can't be read."""
        if key not in self._open:
            data = await uploaded(organisation, key)
            if data is None:
                raise JobFailed(None)
            try:
                self._open[key] = await in_thread(open_zip, io.BytesIO(data))
            except Unreadable:
                raise JobFailed(None) from None
        return self._open[key]

    def close(self) -> None:
        for opened in self._open.values():
            opened.close()


async def uploaded(organisation: Organisation, key: str) -> bytes | None:
    """The bytes of a zip; None if it is not kept any more."""
    file = await organisation.store.files.find(key)
    if file is None or file.content is None:
        return None
    data = b"".join([part async for part in organisation.store.files.parts(file.content)])
    return data if len(data) == file.size else None
