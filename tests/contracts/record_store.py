"""What every record store promises: subclass it and give the fixtures that `Suite` names."""

from tests.contracts.metadata_changes import MetadataChanges
from tests.contracts.record_aggregates import RecordAggregates
from tests.contracts.record_bin import RecordBin
from tests.contracts.record_companions import RecordCompanions
from tests.contracts.record_files import RecordFiles
from tests.contracts.record_lines import RecordLines
from tests.contracts.record_moment import RecordMoment
from tests.contracts.record_outbox import RecordOutbox
from tests.contracts.record_reads import RecordReads
from tests.contracts.record_together import RecordTogether
from tests.contracts.record_writes import RecordWrites


class RecordStoreContract(
    RecordReads,
    RecordLines,
    RecordWrites,
    RecordTogether,
    RecordMoment,
    RecordOutbox,
    RecordCompanions,
    RecordBin,
    RecordFiles,
    RecordAggregates,
    MetadataChanges,
):
    """All of the contract in `moorage/crm/storage/contract/records.py`."""
