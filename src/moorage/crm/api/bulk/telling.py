"""What the callback of a bulk job is sent: the same as whoever looks at the job is shown."""

from typing import Any

import msgspec

from moorage.crm.api.bulk import read, write
from moorage.crm.jobs import bulk_read
from moorage.crm.jobs.model import BulkJob
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.wire.page_tokens import PageTokens


def told(organisation: Organisation, job: BulkJob, tokens: PageTokens, base: str) -> bytes:
    """`base` is the base URL of the API."""
    document: dict[str, Any]
    if job.kind == bulk_read.KIND:
        document = {"data": [read.document_of(organisation, tokens, job, f"/crm/bulk/v8/read/{job.id}")]}
    else:
        document = write.document_of(organisation, job, f"{base}/crm/bulk/v8/write/{job.id}")
    return msgspec.json.encode(document)
