"""Neither the log nor the data folder holds what people type, get or keep in their browsers."""

from tests.log_lines import capture_logs
from tests.people.browser import PASSWORD, Browser, Phone

WRONG = "a guess of somebody"


def test_no_secret_of_a_person_is_written(control, owner):
    browser = Browser(control)
    with capture_logs() as lines:
        link = control.run(control.rooms.people.invite_anybody(owner.account, "owner"))
        browser.join(link)
        phone = Phone.of(browser)
        cookies = [browser.cookie]
        browser.sign_in(password=WRONG)
        browser.send("/sign-out")
        browser.sign_in()
        step = browser.fields()["step"]
        browser.send("/sign-in/code", code=phone.code())
        cookies.append(browser.cookie)
        assert "<h1>Ada" in browser.open("/me").text
    secrets = [link, PASSWORD, WRONG, phone.secret, step, *phone.recovery]
    secrets += [cookie.partition("=")[2] for cookie in cookies]
    written = [file.read_bytes() for file in control.settings.home.rglob("*") if file.is_file()]
    written.append(str(lines).encode())
    assert len(lines) > 5 and any(b"ada@example.com" in content for content in written)
    assert [secret for secret in secrets if any(secret.encode() in content for content in written)] == []
