"""Takes the pictures of docs/console.md: `script/pictures`. A server with sample records and some calls is shown."""

import json
import sys
import tempfile
from pathlib import Path

from tests.console.screens import screens
from tests.console.visitor import Visitor
from tests.flows.chromium import Chromium
from tests.flows.conftest import finish, start

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
WIDTH, HEIGHT = 1200, 800
# Those of interest in the dark, or on a phone, beside the usual look.
DARK = {"/console", "/console/requests", "/console/query"}
NARROW = {"/console", "/console/approvals/{approval_id}"}
# What a screen shows that is empty at first.
ASKED = {
    "/console/query": "?q=select+Last_Name%2C+Company%2C+Email+from+Leads+where+Email+is+not+null+limit+5",
    "/console/query/operations": "?find=leads",
}


def name_of(page):
    """The name of a screen's picture: `console-crm-module-record` for its path."""
    return "-".join(page.strip("/").replace("{", "").replace("}", "").split("/"))


def some_calls(server):
    """Calls of programs, some of which fail, so that there is something to see."""
    for number in range(24):
        server.call("GET", f"/zoho-crm/crm/v8/Leads?fields=Last_Name&per_page={number + 1}")
    for path in ("/zoho-crm/crm/v8/Leads", "/zoho-crm/crm/v8/Leeds?fields=id", "/zoho-crm/crm/v8/Leads/1"):
        server.call("GET", path)
    body = {"data": [{"Last_Name": "Okonkwo", "Company": "Quay Works", "Email": "a.okonkwo@example.com"}]}
    server.call("POST", "/zoho-crm/crm/v8/Leads", body)


def take(tab, server, screen, suffix=""):
    tab.open(f"{server.gateway}{screen.at}{ASKED.get(screen.page, '')}")
    tab.wait("document.readyState == 'complete' && !!document.querySelector('h1')")
    tab.run("new Promise(done => setTimeout(done, 0))")
    tab.wait("[...document.querySelectorAll('m-editor')].every(editor => editor.view)")
    tab.window_picture(PICTURES / f"{name_of(screen.page)}{suffix}.webp")


def main(home):
    PICTURES.mkdir(exist_ok=True)
    server = start(home / "home")
    chromium = Chromium(home / "browser")
    try:
        connection = json.loads(server.call("GET", "/connections")[2])["connections"][0]["connection_id"]
        server.call("PATCH", f"/connections/{connection}", {"alias": "harbour", "tags": ["demo"]})
        some_calls(server)
        owner = Visitor(server).join("owner", name="Ada Moreno")
        tab = chromium.tab(chromium.person(), draws=True)
        tab.take_cookie(server.gateway, owner.cookie)
        for screen in screens(owner):
            tab.be_themed("light")
            tab.be_wide(WIDTH, HEIGHT)
            take(tab, server, screen)
            if screen.page in DARK:
                tab.be_themed("dark")
                take(tab, server, screen, "-dark")
            if screen.page in NARROW:
                tab.be_wide(360, 740)
                take(tab, server, screen, "-narrow")
            sys.stdout.write(f"{screen.page}\n")
    finally:
        chromium.stop()
        finish(server)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(folder))
