"""The grid of records in a real browser: rows where they are looked for, keys, and changes in place."""

from urllib.parse import urlsplit

TO_THE_END = "{key: 'End', ctrlKey: true, bubbles: true}"
ACTIVE = "document.activeElement.parentElement.getAttribute('aria-rowindex')"


def test_a_grid_is_walked_and_changed_by_keys(server, owner, tab):
    lead = {"Last_Name": "Grid", "City": "Gridtown"}
    made = [{**lead, "First_Name": f"N{number:03}"} for number in range(100)]
    for _ in range(2):
        server.call("POST", "/zoho-crm/crm/v8/Leads", {"data": made})
    [connection] = owner.twin("/console/crm")["connections"][:1]
    query = "field=City&is=is&value=Gridtown&columns=First_Name,Email,Lead_Status"
    page = tab(owner)
    page.open(f"{server.gateway}/console/crm/{connection['connection_id']}/Leads?{query}")
    page.wait("document.querySelector('[role=grid]')?.getAttribute('aria-rowcount') == '201'")
    assert page.run("document.querySelectorAll('.grid-space [role=row]').length") < 100
    page.run("document.querySelector('[role=gridcell][tabindex=\"0\"]').focus()")
    page.run(f"document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {TO_THE_END}))")
    page.wait(f"{ACTIVE} == '201'")
    page.wait("document.activeElement.parentElement.innerText.includes('N000')")
    page.press("Home", 36)
    page.press("ArrowRight", 39)
    page.press("ArrowRight", 39)
    page.press("e", 69, "e")
    page.wait("!!document.querySelector('.editing input')")
    page.run("document.querySelector('.editing input').value = 'nobody'")
    page.press("Enter", 13, "\r")
    page.wait("document.querySelector('.cell-fault')?.innerText.includes('e-mail')")
    page.run("document.querySelector('.editing input').value = 'grid@example.com'")
    page.press("Enter", 13, "\r")
    page.wait("!document.querySelector('.editing')")
    page.wait("document.querySelector('[aria-rowindex=\"201\"]').innerText.includes('grid@example.com')")
    page.press("Enter", 13, "\r")
    page.wait("document.querySelector('h1')?.innerText.includes('Grid') && !document.querySelector('m-grid')")
    assert urlsplit(page.url).path.count("/") == 5


def test_a_file_is_looked_at_and_imported(server, owner, tab):
    [connection] = owner.twin("/console/crm")["connections"][:1]
    page = tab(owner)
    page.open(f"{server.gateway}/console/crm/{connection['connection_id']}/Leads/import")
    page.wait_for("Import Leads")
    page.run(
        "const files = new DataTransfer();"
        "files.items.add(new File(['Last Name,Town\\nBrowsed,Importtown'], 'leads.csv'));"
        "document.querySelector('input[type=file]').files = files.files"
    )
    page.click("Look at it")
    page.wait_for("Import 1 Leads?")
    page.run("[...document.querySelectorAll('select')].find(one => one.name == 'column-1').value = 'City'")
    page.click("Look again")
    page.wait_for("Import 1 Leads?")
    page.click("Import 1 rows")
    page.wait_for("Imported: 1 of 1")
    assert page.complaints == []
