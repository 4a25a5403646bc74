"""The options of pick lists."""

from collections.abc import Sequence

from moorage.crm.metadata.catalog import NO_VALUE
from moorage.crm.metadata.custom.reading import Given
from moorage.crm.metadata.definitions import PickListValue
from moorage.crm.metadata.documents import Body

MOST_OPTIONS = 1_000
LONGEST_OPTION = 120


def new_options(given: Given) -> tuple[PickListValue, ...]:
    """Those of a new field. Raises the faults for none, and for what repeats."""
    options = [_option(item) for item in given.items("pick_list_values", MOST_OPTIONS)]
    if not options:
        raise given.fault(
            "EXPECTED_DEPENDENT_FIELD_MISSING", "expected dependent field missing", "pick_list_values"
        )
    if given.truth("pick_list_values_sorted_lexically"):
        options.sort(key=lambda option: option[0].casefold())
    if NO_VALUE not in {display for display, _, _ in options}:
        options.insert(0, (NO_VALUE, NO_VALUE, None))
    _refuse_repeats(given, [display for display, _, _ in options])
    return tuple(
        PickListValue(display, actual, number, colour_code=colour)
        for number, (display, actual, colour) in enumerate(options, 1)
    )


def changed_options(given: Given, known: Sequence[Body]) -> tuple[list[Body], list[PickListValue]]:
    """The options that stay, as a change wants them, and those that are new.

    One is meant by its `id`, or by its `actual_value`, and removed by `_delete`. Those not mentioned stay as they are.
    """
    by_id = {option["id"]: option for option in known}
    by_value = {option["actual_value"]: option for option in known}
    staying, new = {option["id"]: dict(option) for option in known}, []
    for item in given.items("pick_list_values", MOST_OPTIONS):
        option = by_id.get(str(item.raw("id"))) if "id" in item else by_value.get(item.raw("actual_value"))
        if "id" in item and option is None:
            raise item.invalid("id")
        if item.says("_delete"):
            if option is None:
                raise item.invalid("actual_value")
            staying.pop(option["id"], None)
            continue
        display, actual, colour = _option(item)
        if option is None:
            new.append(PickListValue(display, actual, 0, colour_code=colour))
        else:
            staying[option["id"]] |= {"display_value": display}
            if colour is not None:
                staying[option["id"]]["colour_code"] = colour
    _refuse_repeats(
        given,
        [option["display_value"] for option in staying.values()] + [option.display_value for option in new],
    )
    return list(staying.values()), new


def _option(item: Given) -> tuple[str, str, str | None]:
    """Display value, actual value and colour."""
    display = item.text("display_value", LONGEST_OPTION)
    if display is None:
        raise item.fault("MANDATORY_NOT_FOUND", "required field not found", "display_value")
    return display, item.text("actual_value", LONGEST_OPTION) or display, item.text("colour_code", 7)


def _refuse_repeats(given: Given, values: Sequence[str]) -> None:
    known: set[str] = set()
    for value in values:
        if value.casefold() in known:
            raise given.fault("DUPLICATE_DATA", "duplicate data", "pick_list_values", display_value=value)
        known.add(value.casefold())
