"""An organisation with something of everything, and all that its API says of it."""

from moorage.crm.storage.carried import FIXED_TABLES, LATER_TABLES, carried_counters, catalog_of
from tests.crm.settings.making_fields import deleted, field, made
from tests.crm.settings.test_custom_fields import TYPES
from tests.crm.settings.test_roll_up_fields import rolled_up

WORDS = ("quay", "ma", "sample", "rust", "überg", "gone", "ahoy")


def furnish(crm):
    """Give an organisation, which may have the sample records, fields of every type, and records that use them."""
    values = _own_fields(crm)
    accounts = crm.insert("Accounts", *({"Account_Name": f"Harbour {n}"} for n in range(3)))
    leads = crm.insert(
        "Leads",
        {"Last_Name": "Überg", "Email": "u@b.example", "Tag": [{"name": "hot"}], **values},
        {"Last_Name": "z", "Surveys": [{"Finding": "rust", "Depth": -0.1}, {"Finding": None}]},
        {"Last_Name": "in the bin", "Surveys": [{"Finding": "gone"}], "Tag": [{"name": "cold"}]},
        *({"Last_Name": f"lead {n}", "Annual_Revenue": n * 10**12 / 3} for n in range(20)),
    )
    products = crm.insert("Products", {"Product_Name": "Buoy"}, {"Product_Name": "Rope"})
    linked = {"data": [{"Interests": [{"Interests": {"id": product}} for product in products]}]}
    assert crm.put(f"Leads/{leads[0]}", linked).status == 200
    deal = {"Stage": "Qualification", "Account_Name": {"id": accounts[0]}}
    deals = crm.insert("Deals", *({"Deal_Name": f"deal {n}", "Amount": n + 0.1, **deal} for n in range(4)))
    crm.insert(
        "Notes", {"Note_Title": "n", "Note_Content": "of a deal", "Parent_Id": _parent("Deals", deals[0])}
    )
    assert crm.delete(f"Leads/{leads[2]}").status == 200
    assert crm.delete(f"Deals/{deals[3]}").status == 200
    assert deleted(crm, made(crm, field("Passing"))[0]).status == 200


def _parent(module, record):
    return {"module": {"api_name": module}, "id": record}


def _own_fields(crm):
    """Gives a value for each of the fields of the leads."""
    values = {}
    for data_type, (more, value, *_) in TYPES.items():
        made(crm, field(f"Own {data_type}", data_type, **more))
        values[f"Own_{data_type}"] = value
    (removed,) = made(crm, field("Removed"))
    crm.insert("Leads", {"Last_Name": "with what is removed", "Removed": "kept"})
    assert deleted(crm, removed).status == 200
    formula = {"return_type": "text", "expression": "Concat('Ahoy ', ${Leads.Last_Name})"}
    made(
        crm,
        field("Greeting", "formula", formula=formula),
        field("Surveys", "subform"),
        field("Number", "autonumber", auto_number={"prefix": "N-", "start_number": 7}),
    )
    made(crm, field("Interests", "multiselectlookup", multiselectlookup={"connected_details": _products}))
    made(crm, field("Finding"), field("Depth", "double"), module="Surveys")
    made(crm, rolled_up("Many", "count"), rolled_up("Sum", "sum", "Amount"), module="Accounts")
    return values


_products = {"module": {"api_name": "Products"}}


def answers(crm, *only):
    """Status and body of every answer about an organisation, by what was asked; of all modules, or of some."""
    asked = {}

    def ask(path, **params):
        answer = crm.get(path, **params)
        asked[path, tuple(params.items())] = answer.status, answer.body
        return answer.json if answer.status == 200 else {}

    modules = ask("settings/modules").get("modules", [])
    for path in ("org", "users", "settings/roles", "settings/profiles", "settings/recycle_bin"):
        ask(path, **({"type": "AllUsers"} if path == "users" else {}))
    for name in only or [module["api_name"] for module in modules]:
        for kind in ("fields", "layouts", "related_lists", "custom_views"):
            ask(f"settings/{kind}", module=name)
        for kind in ("recycle", "permanent", "all"):
            ask(f"{name}/deleted", type=kind)
        records = ask(name, fields="id,Created_Time,Modified_Time", per_page=200).get("data", [])
        for record in records:
            ask(f"{name}/{record['id']}")
        for word in WORDS:
            ask(f"{name}/search", word=word)
    return asked


def contents(rows):
    """All that is carried, by table and column."""
    tables = [module.table for module in catalog_of(rows.documents()).modules.values()]
    counters = dict(carried_counters(rows))
    everything = {"documents": rows.documents(), "counters": counters, "version": rows.version}
    for table in (*tables, *FIXED_TABLES, *LATER_TABLES):
        columns = sorted(rows.columns(table))
        records = [tuple(row) for part in (rows.rows(table, columns) if columns else ()) for row in part]
        if records:
            everything[table] = columns, records
    return everything
