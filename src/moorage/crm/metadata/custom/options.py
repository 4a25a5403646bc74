"""The options of pick lists."""

from collections.abc import Sequence

from moorage.crm.metadata.catalog import NO_VALUE
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.definitions import PickListValue
from moorage.crm.metadata.documents import Body

MOST_OPTIONS = 1_000
LONGEST_OPTION = 120


def new_options(spec: JsonObject) -> tuple[PickListValue, ...]:
    """The options of a new field. Raises the Fault if there are none, or two with the same display value."""
    options = [_option(item) for item in spec.items("pick_list_values", MOST_OPTIONS)]
    if not options:
        raise spec.fault(
            "EXPECTED_DEPENDENT_FIELD_MISSING", "expected dependent field missing", "pick_list_values"
        )
    if spec.boolean("pick_list_values_sorted_lexically"):
        options.sort(key=lambda option: option[0].casefold())
    if NO_VALUE not in {display for display, _, _ in options}:
        options.insert(0, (NO_VALUE, NO_VALUE, None))
    _refuse_repeats(spec, [display for display, _, _ in options])
    return tuple(
        PickListValue(display, actual, number, colour_code=colour)
        for number, (display, actual, colour) in enumerate(options, 1)
    )


def changed_options(spec: JsonObject, known: Sequence[Body]) -> tuple[list[Body], list[PickListValue]]:
    """The options that a field keeps, changed as the caller wants, and the new ones.

    An option is named by its `id` or its `actual_value`, and removed by `_delete`. Options that are not named stay as
    they are.
    """
    by_id = {option["id"]: option for option in known}
    by_value = {option["actual_value"]: option for option in known}
    kept, new = {option["id"]: dict(option) for option in known}, []
    for item in spec.items("pick_list_values", MOST_OPTIONS):
        option = by_id.get(str(item.raw("id"))) if "id" in item else by_value.get(item.raw("actual_value"))
        if "id" in item and option is None:
            raise item.invalid("id")
        if item.has_member("_delete"):
            if option is None:
                raise item.invalid("actual_value")
            kept.pop(option["id"], None)
            continue
        display, actual, colour = _option(item)
        if option is None:
            new.append(PickListValue(display, actual, 0, colour_code=colour))
        else:
            kept[option["id"]] |= {"display_value": display}
            if colour is not None:
                kept[option["id"]]["colour_code"] = colour
    _refuse_repeats(
        spec,
        [option["display_value"] for option in kept.values()] + [option.display_value for option in new],
    )
    return list(kept.values()), new


def _option(item: JsonObject) -> tuple[str, str, str | None]:
    """Display value, actual value and colour."""
    display = item.text("display_value", LONGEST_OPTION)
    if display is None:
        raise item.missing("display_value")
    return display, item.text("actual_value", LONGEST_OPTION) or display, item.text("colour_code", 7)


def _refuse_repeats(spec: JsonObject, values: Sequence[str]) -> None:
    known: set[str] = set()
    for value in values:
        if value.casefold() in known:
            raise spec.fault("DUPLICATE_DATA", "duplicate data", "pick_list_values", display_value=value)
        known.add(value.casefold())
