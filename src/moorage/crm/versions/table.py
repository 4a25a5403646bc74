"""All differences between the older versions and v8.

Sources: Zoho's pages of each version [Z pages], the types in Zoho's SDKs of v2, v2.1, v5, v6 and v7 [Z sdk], and what
programs written for a version send and read [Z observed].
"""

from moorage.crm.versions import answers, lines, requests
from moorage.crm.versions.version import EVERY, Difference

_NOTES = "/crm/v8/{module}/{id}/Notes"
_RELATED = "/crm/v8/{module}/{id}/{related_list}"
_ATTACHMENTS = "/crm/v8/{module}/{id}/Attachments"
_OF_RECORDS = (
    f"GET {_NOTES}",
    f"GET {_ATTACHMENTS}",
    f"GET {_RELATED}",
)  # Lists of what belongs to a record.
_OF_ONE = (f"GET {_NOTES}/{{note_id}}", f"GET {_RELATED}/{{related_id}}")
_LIST = ("GET /crm/v8/{module}", *_OF_RECORDS)
_LISTS = (*_LIST, "GET /crm/v8/{module}/search")
_READS = (*_LISTS, "GET /crm/v8/{module}/{id}", *_OF_ONE)
_WRITES = (
    "POST /crm/v8/{module}",
    "PUT /crm/v8/{module}",
    "POST /crm/v8/{module}/upsert",
    "PUT /crm/v8/{module}/{id}",
    f"POST {_NOTES}",
    f"PUT {_NOTES}",
    f"PUT {_NOTES}/{{note_id}}",
)
_LAYOUTS = ("GET /crm/v8/settings/layouts", "GET /crm/v8/settings/layouts/{id}")
_FIELDS = ("GET /crm/v8/settings/fields", "GET /crm/v8/settings/fields/{id}")
_MODULES = ("GET /crm/v8/settings/modules", "GET /crm/v8/settings/modules/{module}")
_QUERY = ("POST /crm/v8/coql",)
_CONVERT = ("POST /crm/v8/{module}/{id}/actions/convert",)
_TAGS = tuple(
    f"POST /crm/v8/{of}/actions/{action}"
    for of in ("{module}", "{module}/{id}")
    for action in ("add_tags", "remove_tags")
)

TABLE = (
    Difference(
        "v7",
        EVERY,
        "The case of a module's name does not matter, in paths and in the parameter `module`",
        request=requests.spell_module,
    ),
    Difference(
        "v7",
        ("GET /crm/v8/{module}/search", "GET /crm/v8/{module}/actions/count"),
        "Two errors have other texts: `module not supported for search`, `mandatory param missing`",
        words={
            "module not suppoted for search": "module not supported for search",
            "one of the expected parameter is missing": "mandatory param missing",
        },
    ),
    Difference(
        "v7",
        _QUERY,
        "A query gives at most 200 records of the first 10,000, and an `in` takes 50 values",
        rules={"older_query_limits": True},
    ),
    Difference(
        "v7",
        (f"GET {_ATTACHMENTS}",),
        "The `$type` of an attachment with a file is `Attachment`",
        answer=answers.attachment_types,
    ),
    Difference(
        "v7",
        (f"POST {_ATTACHMENTS}",),
        "An attachment has 20 MB at most",
        rules={"longest_attachment": 20 * 1024 * 1024},
    ),
    Difference(
        "v6",
        _QUERY,
        "Of a record or a user that a lookup points to, a query shows only the id",
        rules={"query_ids_only": True},
    ),
    Difference(
        "v6",
        _READS,
        "The record that a note belongs to is shown without its module; `$se_module` names the module",
        answer=answers.note_parents,
    ),
    Difference(
        "v6",
        _READS,
        "A whole lead says `$converted`",
        answer=answers.converted,
    ),
    Difference(
        "v5",
        _READS,
        "A whole record says `$approved`, true or false, beside `$approval_state`",
        answer=answers.approved,
    ),
    Difference(
        "v5",
        _CONVERT,
        "A converted lead shows the ids alone of its contact, account and deal",
        answer=answers.plain_ids,
    ),
    Difference(
        "v5",
        _LAYOUTS,
        "`tab_traversal` of a section is a number: 1 for left to right",
        answer=answers.numbered_traversal,
    ),
    Difference(
        "v4",
        _MODULES,
        "A module says `visible`, true or false, beside `status`",
        answer=answers.visible_modules,
    ),
    Difference(
        "v3",
        _READS,
        "A whole lead has no `Converted__s`",
        answer=answers.no_converted_field,
    ),
    Difference(
        "v3",
        ("POST /crm/v8/actions/watch", "PUT /crm/v8/actions/watch", "PATCH /crm/v8/actions/watch"),
        "A channel of notifications lives for a day at most",
        rules={"channels_live_a_week": False},
    ),
    Difference(
        "v3",
        _TAGS,
        "Tags are named in the query: `tag_names`, `ids`, `over_write`",
        request=requests.tags_in_query,
    ),
    Difference(
        "v2.1",
        _LIST,
        "A list needs no `fields`; without them it shows all",
        rules={"lists_need_fields": False},
    ),
    Difference(
        "v2.1",
        _LIST,
        "`page` reaches every page of a list; there are no page tokens, and no end at 2,000 records",
        rules={"page_tokens": False},
    ),
    Difference(
        "v2.1",
        _LISTS,
        "`info` has only `per_page`, `count`, `page` and `more_records`",
        answer=answers.brief_info,
    ),
    Difference(
        "v2.1",
        (
            *_FIELDS,
            *_LAYOUTS,
            "GET /crm/v8/settings/related_lists",
            "GET /crm/v8/settings/related_lists/{id}",
        ),
        "The modules of a field's `lookup` or links, and of a related list, are only their API names",
        answer=answers.named_modules,
    ),
    Difference(
        "v2.1",
        (*_FIELDS, *_LAYOUTS),
        "The `forecast_category` of a deal's stage is only its id",
        answer=answers.plain_forecasts,
    ),
    Difference(
        "v2.1",
        _LAYOUTS,
        "The `status` of a layout is a number: 0 for an active one",
        answer=answers.numbered_status,
    ),
    Difference(
        "v2.1",
        ("GET /crm/bulk/v8/read/{job_id}",),
        "The module of a bulk read is only its API name",
        answer=answers.named_bulk_module,
    ),
    Difference(
        "v2",
        _LIST,
        "A list can be sorted by any sortable field, like a search",
        rules={"sorts_by_any_field": True},
    ),
    Difference(
        "v2",
        (*_LISTS, "GET /crm/v8/{module}/deleted", "GET /crm/v8/users"),
        "A `per_page` above 200 counts as 200 and is no error",
        request=requests.shorten_page,
    ),
    Difference(
        "v2",
        EVERY,
        "An error names its parameter also by `param`",
        fault=answers.plain_param,
    ),
    Difference(
        "v2",
        (*_WRITES, *_READS, *_FIELDS, *_LAYOUTS),
        "Lines of orders are `Product_Details`, with keys such as `product`, `quantity`, `list_price`",
        request=lines.written,
        answer=lines.shown,
    ),
    Difference(
        "v2",
        ("PUT /crm/v8/{module}", "PUT /crm/v8/{module}/{id}", "POST /crm/v8/{module}/upsert"),
        "An update removes the rows of a subform that it does not name",
        rules={"rows_are_whole": True},
    ),
    Difference(
        "v2",
        _LAYOUTS,
        "The `api_name` of a section has spaces: `Lead Information`",
        answer=answers.spaced_sections,
    ),
    Difference(
        "v2",
        _WRITES,
        "A write in which no record succeeds answers 202",
        answer=answers.accepted_failures,
    ),
)
