"""Values that the CRM itself sets in records that are there, such as what a converted lead became.

No caller sends them, so they are not checked. Formulas, roll-ups and channels follow them as they follow every change.
"""

from collections.abc import Mapping

from moorage.crm.events.change_events import ChangeEvents
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.module_formulas import formulas_of
from moorage.crm.records.batch import Batch
from moorage.crm.records.initial import modification
from moorage.crm.records.roll_ups import RollUps
from moorage.crm.records.timeline import Timeline
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction


def set_values(
    organisation: Organisation,
    module: Module,
    transaction: Transaction,
    changes: Mapping[int, Row],
    user: int | None = None,
) -> None:
    """Set the columns of each record. Nobody has modified it: its times and Modified_By stay as they are."""
    roll_ups, events = RollUps(organisation, transaction), ChangeEvents(organisation, module, transaction)
    batch, formulas = Batch(transaction, roll_ups), formulas_of(module)
    timeline = Timeline(module, transaction, user)
    batch.expect_rows(module, changes)
    for record, values in changes.items():
        old = batch.row(module, record)
        if old is None:
            continue
        row = old | values
        formulas.work_out(row, organisation.zone, batch.now)
        changed = {column: value for column, value in row.items() if value != old[column]}
        batch.update(module, record, changed)
        events.updated(record, old, row, changed, ())
        timeline.updated(record, old, changed)
    batch.flush()
    roll_ups.write()
    timeline.write()
    events.emit()


def modify(
    organisation: Organisation,
    module: Module,
    transaction: Transaction,
    user: int,
    changes: Mapping[int, Row],
) -> None:
    """The same, as a change that the user made."""
    modified = modification(module, user, transaction.now)
    all_changes = {record: values | modified for record, values in changes.items()}
    set_values(organisation, module, transaction, all_changes, user)
