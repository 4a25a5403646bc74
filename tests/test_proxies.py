"""Which proxy a call outwards goes through."""

import pytest

from moorage.errors import SettingsInvalid
from moorage.proxies import Proxies, Proxy, read_proxy

ENVIRON = {
    "HTTPS_PROXY": "http://secure.test:3128",
    "http_proxy": "plain.test:8080",
    "HTTP_PROXY": "http://no.test",
}


def test_the_variables_of_other_programs_count_by_scheme_and_small_letters_first():
    proxies = Proxies("", (), ENVIRON)
    assert proxies.of("https", "api.example.com", 443) == Proxy("secure.test", 3128)
    assert proxies.of("http", "api.example.com", 80) == Proxy("plain.test", 8080)
    assert Proxies("", (), {}).of("https", "api.example.com", 443) is None


def test_the_setting_counts_instead_and_off_means_none():
    assert Proxies("http://ours.test:1", (), ENVIRON).of("http", "a.test", 80) == Proxy("ours.test", 1)
    assert Proxies("off", (), ENVIRON).of("https", "a.test", 443) is None


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
def test_this_machine_needs_no_proxy(host):
    assert Proxies("http://ours.test:1").of("http", host, 8788) is None


@pytest.mark.parametrize(
    ("words", "host", "direct"),
    [
        ("example.com", "example.com", True),
        ("example.com", "api.example.com", True),
        (".example.com", "api.example.com", True),
        ("*.example.com", "api.example.com", True),
        ("example.com", "badexample.com", False),
        ("EXAMPLE.com", "Api.Example.Com", True),
        ("example.com:8443", "example.com", False),
        ("example.com:443", "example.com", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("fd00::/8", "fd00::1", True),
        ("a.test, *", "anything.test", True),
        ("10.0.0.0/8", "ten.test", False),
    ],
)
def test_some_hosts_are_reached_without(words, host, direct):
    by_variable = Proxies("", (), ENVIRON | {"NO_PROXY": words})
    by_setting = Proxies(
        "http://ours.test:1", tuple(words.replace(" ", "").split(",")), {"NO_PROXY": "other"}
    )
    assert [(each.of("https", host, 443) is None) for each in (by_variable, by_setting)] == [direct, direct]


def test_a_user_and_a_password_are_told_to_the_proxy_and_to_nobody_else():
    proxy = read_proxy("http://me:p%40ss@proxy.test:3128/")
    assert proxy.authorization == b"Basic bWU6cEBzcw==" and proxy.name == "proxy.test:3128"
    assert "p@ss" not in repr(proxy) and "me" not in repr(proxy)


@pytest.mark.parametrize(
    "url",
    [
        "https://p.test",
        "socks5://p.test",
        "http://",
        "http://p.test/path",
        "http://p.test:99999",
        "http://a%0d:b@p",
    ],
)
def test_what_is_no_proxy_is_refused_without_being_shown(url):
    with pytest.raises(ValueError, match="use a proxy such as") as caught:
        read_proxy(url)
    with pytest.raises(SettingsInvalid, match="HTTPS_PROXY: use a proxy"):
        Proxies("", (), {"HTTPS_PROXY": url})
    assert "p.test" not in str(caught.value)
