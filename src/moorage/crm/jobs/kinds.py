"""The kinds of bulk jobs, each with what makes its worker."""

from collections.abc import Callable, Mapping

from moorage.crm.jobs import (
    backup_model,
    bulk_read,
    leaving,
    mass,
    mass_convert,
    merge,
    replacing,
    write_model,
)
from moorage.crm.jobs.backup import Backup
from moorage.crm.jobs.bulk_write import BulkWrite
from moorage.crm.jobs.model import Worker

KINDS: Mapping[str, Callable[[], Worker]] = {
    bulk_read.KIND: bulk_read.BulkRead,
    write_model.KIND: BulkWrite,
    backup_model.KIND: Backup,
    mass.UPDATE: mass.MassWorker,
    mass.DELETE: mass.MassWorker,
    mass.CHANGE_OWNER: mass.MassWorker,
    mass_convert.KIND: mass_convert.ConvertWorker,
    merge.KIND: merge.MergeWorker,
    leaving.KIND: leaving.LeavingWorker,
    replacing.KIND: replacing.ReplaceWorker,
}
