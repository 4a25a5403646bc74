"""What people get wrong, what they read then, in one line, and the status that a script gets."""

import json
import os
import signal
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from moorage.cli import responses
from moorage.cli.program import run
from tests.cli.conftest import process
from tests.waiting import wait_until

USAGE, NOT_FOUND, REFUSED, UNUSABLE = 2, 5, 1, 7
PROC = Path("/proc")  # Where Linux tells about processes.


@pytest.fixture
def demo(made, home):
    made("crm", "org", "create", "demo", "--empty")


MISTAKES = [
    # A value that can't be
    ("up --port abc", USAGE, "--port has to be a whole number, not 'abc'."),
    ("up --port 80000", USAGE, "--port has to be 65535 or less, not '80000'."),
    ("up --crm-port=-1", USAGE, "--crm-port has to be 0 or more, not '-1'."),
    ("up --workers 0", USAGE, "--workers has to be 1 or more, not '0'."),
    ("connection create zoho-crm --timeout abc", USAGE, "--timeout has to be a whole number, not 'abc'."),
    ("key create --mode prod", USAGE, "--mode can't be 'prod'; it is one of 'live', 'test'."),
    ("key create --name=", USAGE, "--name can't be empty."),
    ("key create --scope proxy:zohocrm", USAGE, "Did you mean proxy:zoho-crm?"),
    ("key create --expires-in soon", USAGE, "--expires-in can't be 'soon'."),
    ("crm org create Acme", USAGE, "such as acme-test"),
    ("crm org create acme --data-centre mars", USAGE, "us, eu, in"),
    ("crm org create acme --time-zone Mars/Base", USAGE, "Mars/Base"),
    ("crm org create acme --unique Leads.Nope", USAGE, "Nope"),
    ("crm client create --name x --redirect-uri notaurl", USAGE, "notaurl"),
    ("client set zoho-crm --client-id x --data-centre mars", USAGE, "It has: "),
    ("crm grant-code --client x --minutes 11", USAGE, "--minutes has to be 10 or less, not '11'."),
    ("api https://127.0.0.1:8787/zoho-crm/crm/v8/Leads", USAGE, "Use /zoho-crm/crm/v8/Leads"),
    ("api -X GTE /x", USAGE, "There is no HTTP method GTE. Did you mean GET?"),
    ("api /x -f data[][Last_Name", USAGE, "Write it like Last_Name=Hopper."),
    ("connection list --url 127.0.0.1:8787", USAGE, "--url: '127.0.0.1:8787' is not the address of a server"),
    # A file that isn't there
    ("crm org restore demo nope.db --yes", USAGE, "There is no file nope.db."),
    ("vault rotate --key-file nope", USAGE, "There is no file nope (--key-file)."),
    ("api /x --input nope", USAGE, "nope"),
    ("client set zoho-crm --client-id x --secret-file nope", USAGE, "nope"),
    # A word that isn't there
    ("kee list", USAGE, "Did you mean 'key'?"),
    ("key lst", USAGE, "Did you mean 'list'?"),
    ("key list --jsno", USAGE, "--json"),
    ("help zohoo", USAGE, "Did you mean zoho?"),
    # Something that isn't there
    ("client set zohocrm --client-id x", NOT_FOUND, "Did you mean zoho-crm?"),
    ("client delete zoho-crm --yes", NOT_FOUND, "moorage client list"),
    ("crm org reset dmo --yes", NOT_FOUND, "Did you mean demo?"),
    ("crm credentials --org dmeo", NOT_FOUND, "Did you mean demo?"),
    ("crm client delete nope --yes", NOT_FOUND, "moorage crm client list"),
    ("key rotate nope", NOT_FOUND, "`moorage key list` shows the ids"),
    # A question that nobody is there to answer
    ("key revoke nope", USAGE, "add --yes"),
    ("crm org delete demo", USAGE, "add --yes"),
    ("crm org reset demo", USAGE, "add --yes"),
    (f"crm org restore demo {__file__}", USAGE, "add --yes"),
    (f"crm org snapshot demo {__file__}", USAGE, "Overwrite"),
    ("crm client delete nope", USAGE, "add --yes"),
    ("client delete zoho-crm", USAGE, "add --yes"),
    ("connection delete nope", USAGE, "add --yes"),
    ("vault forget", USAGE, "add --yes"),
    # Something that is there already, or can't be taken
    ("crm org create demo", REFUSED, "demo"),
    # The data folder
    ("key list --home nope", UNUSABLE, "There is no data folder of Moorage at "),
    (f"key list --home {__file__}", UNUSABLE, "it is a file"),
    (f"up --home {__file__}", UNUSABLE, "it is a file"),
]


@pytest.mark.parametrize(("line", "status", "words"), MISTAKES, ids=[mistake[0][:50] for mistake in MISTAKES])
def test_a_mistake_is_told_in_one_line_with_its_remedy(
    moorage, demo, typed, server, monkeypatch, line, status, words
):
    typed("secret-of-a-client\n")
    monkeypatch.setenv("MOORAGE_API_KEY", "as-long-as-one-has-to-be")
    if line.startswith("up --home"):
        ended = process(*line.split())
        told, out, err = ended.returncode, ended.stdout, ended.stderr
    else:
        outcome = moorage(*line.split())
        told, out, err = outcome.status, outcome.out, outcome.err
    assert (told, out) == (status, ""), err
    assert words in err and len(err.splitlines()) == 1
    for word in ("Input should", "Value error", "GET /", "POST /", "docs/", "Errno", "unpack"):
        assert word not in err


def state(pid):
    """The state of a process: S if it waits."""
    return (PROC / f"{pid}" / "stat").read_text().rpartition(")")[2].split()[0]


@pytest.fixture
def asking(demo):
    """A command that asks at a terminal: the process, and the terminal's other end."""
    other_end, terminal = os.openpty()
    command = [sys.executable, "-m", "moorage", "crm", "org", "reset", "demo"]
    # If a shell runs the tests in the background, they ignore Ctrl-C, and so would the command.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, stdin=terminal, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    signal.signal(signal.SIGINT, before)
    os.close(terminal)
    asked = b""
    while not asked.endswith(b"[y/N]:"):
        asked += process.stderr.read(1)
        assert process.poll() is None, asked
    yield process, other_end
    os.close(other_end)
    process.kill()
    process.communicate()


@pytest.mark.parametrize(("answer", "status"), [(b"n\n", REFUSED), (b"\x04", REFUSED), (None, 130)])
def test_who_is_asked_and_does_not_agree_is_told_that_nothing_was_done(asking, answer, status):
    process, terminal = asking
    if answer is None:
        # In the instant between the question and the wait, Python would only note the signal, and then wait.
        wait_until(lambda: not (PROC / "self").exists() or state(process.pid) == "S", seconds=60)
        process.send_signal(signal.SIGINT)
    else:
        os.write(terminal, answer)
    _, told = process.communicate(timeout=60)
    assert (told.splitlines()[-1], process.returncode) == (b"moorage: Nothing was done.", status)


def test_without_permission_the_folder_is_told_the_same_whoever_named_it(moorage, home, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    checks = moorage("doctor", "--home", home, "--json").json["checks"]
    assert "home_unusable" in [check["code"] for check in checks]


# What an answer says

RECORD = "$.data[0]"
NUMBER = {"expected_data_type": "integer", "range": {"from": 1, "to": 200}}
ZOHO = [
    ("MANDATORY_NOT_FOUND", "required field not found", {"api_name": "Last_Name", "json_path": f"{RECORD}.Last_Name"},
     "required field not found: Last_Name (data[0])."),
    ("INVALID_DATA", "invalid data", {"expected_data_type": "email", "api_name": "Email", "json_path": RECORD},
     "invalid data: Email expects email (data[0])."),
    ("INVALID_DATA", "invalid data", {"maximum_length": 100, "api_name": "data", "json_path": "$.data"},
     "invalid data: data may have 100 characters."),
    ("INVALID_DATA", "invalid data", {"param_name": "per_page"} | NUMBER,
     "invalid data: per_page expects integer from 1 to 200."),
    ("INVALID_DATA", "invalid data", {"param_name": "sort_by", "supported_values": ["id", "Created_Time"]},
     "invalid data: sort_by can be id, Created_Time."),
    ("INVALID_QUERY", "Invalid query formed", {"reason": "the field is not available for search", "api_name": "Nope"},
     "Invalid query formed: Nope (the field is not available for search)."),
    ("REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", {"param_name": "fields"},
     "One of the expected parameter is missing: fields. Add it to the path, as in ?fields=VALUE."),
    ("SERVICE_UNAVAILABLE", "Service unavailable", {"reason": "full", "message": "The disk has no room left."},
     "Service unavailable: The disk has no room left."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "message", "details", "line"), ZOHO, ids=[example[3][:40] for example in ZOHO]
)
@pytest.mark.parametrize("of_a_record", [True, False])
def test_the_fact_that_matters_stands_in_the_line(server, moorage, code, message, details, line, of_a_record):
    error = {"code": code, "message": message, "details": details, "status": "error"}
    server.answers(400, {"data": [error]} if of_a_record else error)
    assert moorage("api", "/zoho-crm/crm/v8/Leads").err == f"moorage: {line}\n"


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        ("/zoho-crm/crm/v8/Lead", "Did you mean Leads?"),
        ("/zoho-crm/crm/v8/sales_order?fields=id", "Did you mean Sales_Orders?"),
        ("/zoho-crm/crm/v8/Nonsense", "moorage api /zoho-crm/crm/v8/settings/modules"),
    ],
)
def test_a_module_that_there_is_not_has_a_neighbour(server, moorage, path, advice):
    server.answers(400, {"code": "INVALID_MODULE", "message": "the module name given seems to be invalid"})
    assert advice in moorage("api", path).err


def test_the_neighbours_are_modules_of_a_new_organisation():
    file = files("moorage.crm.metadata.standard") / "standard_modules.json"
    modules = {module["api_name"] for module in json.loads(file.read_bytes())["modules"]}
    assert set(responses._MODULES) <= modules


@pytest.mark.parametrize(
    ("detail", "advice"),
    [
        (
            'Create one with POST /connections {"app": "x"} and open its url',
            "Create one: `moorage connection create x`.",
        ),
        ("GET /connections lists those you have.", "`moorage connection list` lists those you have."),
        ("GET /connections/c1 gives its url.", "`moorage connection get c1` gives its url."),
        ("GET /connections/c1/diagnosis says what is wrong.", "`moorage doctor --connection c1` says what is wrong."),
    ],
)  # fmt: skip
def test_advice_is_given_in_commands(server, moorage, detail, advice):
    server.answers(400, {"message": "No.", "error": {"code": "x", "message": "No."}, "detail": detail})
    assert moorage("api", "/x").err == f"moorage: No. {advice.rstrip('.')}.\n"


def test_an_empty_answer_has_a_word(server, moorage):
    server.answers(204, b"")
    outcome = moorage("api", "/zoho-crm/crm/v8/Leads/1")
    assert (outcome.status, outcome.out) == (0, "") and "The answer is empty: 204" in outcome.err
    assert moorage("api", "/zoho-crm/crm/v8/Leads/1", "--json").err == ""


def test_what_failed_beside_what_succeeded_is_told(server, moorage):
    details = {"api_name": "Last_Name", "json_path": "$.data[1].Last_Name"}
    failed = {
        "status": "error",
        "code": "MANDATORY_NOT_FOUND",
        "message": "required field not found",
        "details": details,
    }
    server.answers(207, {"data": [{"status": "success"}, failed]})
    outcome = moorage("api", "/zoho-crm/crm/v8/Leads")
    assert outcome.err == "moorage: 1 of 2 records failed: required field not found: Last_Name (data[1]).\n"


def test_a_field_that_no_record_has_is_told(server, moorage):
    server.answers(200, {"data": [{"id": "1", "Last_Name": None}]})
    assert (
        "No record has Nope."
        in moorage("api", "/zoho-crm/crm/v8/Leads?fields=id,Last_Name,Nope,Owner.id").err
    )


def test_an_api_key_at_the_crms_own_address_is_told(server, moorage):
    server.answers(401, {"code": "INVALID_TOKEN", "message": "invalid oauth token", "details": {}})
    assert "accepts no API keys" in moorage("api", "/crm/v8/Leads").err


@pytest.mark.parametrize("known", [["3efdf8a0-1"], []])
def test_a_connection_that_is_nearly_right_is_named(server, moorage, known):
    server.answers(
        404, {"message": "There is no connection '3efdf8a0'.", "error": {"code": "connection_unknown"}}
    )
    server.answers_next(200, {"connections": [{"connection_id": connection_id} for connection_id in known]})
    assert ("Did you mean 3efdf8a0-1?" in moorage("connection", "get", "3efdf8a0").err) is bool(known)


def test_a_setting_that_is_no_address_is_a_fault_of_the_setting(moorage, monkeypatch):
    monkeypatch.setenv("MOORAGE_URL", "127.0.0.1:8787")
    outcome = moorage("connection", "list", "--json")
    assert (outcome.status, outcome.error["code"]) == (7, "settings_invalid") and "MOORAGE_URL" in outcome.err


def test_tls_at_a_port_that_speaks_none_is_told(server, moorage):
    outcome = moorage("connection", "list", "--url", server.url.replace("http://", "https://"))
    assert outcome.status == 3 and "does not speak TLS" in outcome.err and "SSL" not in outcome.err


def test_an_error_has_a_line_of_its_own_when_both_streams_are_one_file(server, tmp_path):
    server.answers(400, {"code": "INVALID_DATA", "message": "invalid data", "details": {}})
    with (tmp_path / "log").open("w") as log:
        environment = os.environ | {"MOORAGE_URL": server.url, "MOORAGE_API_KEY": "mk_test"}
        process("api", "/x", stdout=log, stderr=log, env=environment)
    body, line = (tmp_path / "log").read_text().splitlines()
    assert body.endswith("}") and line == "moorage: invalid data."


def test_every_mistake_is_machine_readable_too(moorage, demo):
    assert run(["nope", "--json"]) == USAGE
    assert moorage("crm", "org", "reset", "dmo", "--yes", "--json").error["exit_status"] == NOT_FOUND
