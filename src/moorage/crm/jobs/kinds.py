"""The kinds of bulk jobs, each with what makes its worker."""

from collections.abc import Callable, Mapping

from moorage.crm.jobs import bulk_read, mass, mass_convert, replacing, write_model
from moorage.crm.jobs.bulk_write import BulkWrite
from moorage.crm.jobs.model import Worker

KINDS: Mapping[str, Callable[[], Worker]] = {
    bulk_read.KIND: bulk_read.BulkRead,
    write_model.KIND: BulkWrite,
    mass.UPDATE: mass.MassWorker,
    mass.DELETE: mass.MassWorker,
    mass.CHANGE_OWNER: mass.MassWorker,
    mass_convert.KIND: mass_convert.ConvertWorker,
    replacing.KIND: replacing.ReplaceWorker,
}
