"""The files of apps: read, and checked for all that their types do not say."""

import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from moorage.errors import SettingsInvalid
from moorage.near import did_you_mean
from moorage.oauth.apps.file_faults import in_words
from moorage.oauth.apps.model import REHEARSAL, DataCentre, Identity, Instance, Provider

_HELP = "`moorage help apps` shows the form of such a file."
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")
# In a path of an operation, a segment in braces stands for any segment, and * for a part of one.
_OPERATION = re.compile(r"([A-Z]+|\*) (/([A-Za-z0-9._~!$&'()*+,;=:@-]+|\{[a-z_]+\}))+")
_JSON_PATH = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_HOST_SUFFIX = re.compile(r"(\.[A-Za-z0-9-]+){2,}")
_VISIBLE = re.compile(r"[ -~]+")
_BASE_URL = re.compile(rf"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?({_PATH.pattern})?")
# The first segments of the gateway's own paths, present and planned. No app may have such a name.
RESERVED = frozenset(
    [
        ".well-known",
        "approvals",
        "apps",
        "assets",
        "audit",
        "connect",
        "connections",
        "console",
        "grants",
        "enter",
        "healthz",
        "keys",
        "limits",
        "llms.txt",
        "mcp",
        "me",
        "metrics",
        "oauth",
        "organisations",
        "people",
        "policies",
        "readyz",
        "requests",
        "settings",
        "sign-in",
        "sign-out",
        "welcome",
    ]
)


def read_folder(folder: Path) -> list[Provider]:
    """The apps that the files of a folder declare. Raises SettingsInvalid, which has the faults of all files."""
    found: list[Provider] = []
    faults: list[str] = []
    for file in sorted(folder.glob("*.toml")):
        try:
            found.append(read_provider(file))
        except SettingsInvalid as error:
            faults += error.faults
    if faults:
        raise SettingsInvalid(*faults, help=_HELP)
    return found


def read_provider(file: Path) -> Provider:
    """The app that a file declares. Raises SettingsInvalid, which names the file and the wrong key."""
    try:
        text = file.read_text(encoding="utf-8")
        provider = _provider(text)
        _check(provider)
        if provider.name != file.stem:
            raise ValueError(f"name is {provider.name!r}, so the file has to be {provider.name}.toml")  # noqa: TRY301
    except (ValueError, OSError) as error:
        end = "" if str(error).endswith((".", "?")) else "."
        raise SettingsInvalid(f"{file}: {error}{end}", help=_HELP) from error
    return provider


def _provider(text: str) -> Provider:
    """The app in a file's text. Raises ValueError, whose message is for the author of the file."""
    try:
        return msgspec.convert(tomllib.loads(text), Provider)
    except msgspec.ValidationError as error:
        unknown = re.match(r"Object contains unknown field `(.*?)`", str(error))
        if unknown is None:
            raise ValueError(in_words(str(error), text)) from error
        lines = [number for number, line in enumerate(text.splitlines(), 1) if unknown[1] in line]
        where = f"line {lines[0]}: " if lines else ""
        structs = (Provider, DataCentre, Instance, Identity)
        keys = {field.name for struct in structs for field in msgspec.structs.fields(struct)}
        raise ValueError(f"{where}there is no key {unknown[1]!r}.{did_you_mean(unknown[1], keys)}") from error


def _check(provider: Provider) -> None:
    if not _NAME.fullmatch(provider.name) or provider.name in RESERVED:
        raise ValueError(
            f"name can't be {provider.name!r}; use a-z, 0-9 and -, and not the name of one of the gateway's own paths"
        )
    if not re.fullmatch(r"[ -z|~]*\{access_token\}[ -z|~]*", provider.authorization):
        raise ValueError(
            "authorization has to be one line of ASCII with {access_token} and without other braces"
        )
    if provider.client is not None and not _NAME.fullmatch(provider.client):
        raise ValueError(f"client can't be {provider.client!r}; use a-z, 0-9 and -")
    if not provider.data_centres:
        raise ValueError("data_centres has to name at least one data centre")
    for key, centre in provider.data_centres.items():
        _check_centre(key, centre)
    for key in ("authorize_path", "token_path", "revoke_path"):
        path = getattr(provider, key)
        if path is not None and not _PATH.fullmatch(path):
            raise ValueError(f"{key} has to be a path such as /oauth/v2/auth, not {path!r}")
    _check_sign_in(provider)
    for identity in provider.identity:
        _check_identity(identity)
    _check_operations(provider)
    if provider.instance is not None and not _HOST_SUFFIX.fullmatch(provider.instance.suffix):
        raise ValueError(
            f"instance.suffix has to be the end of a host such as .example.com, not {provider.instance.suffix!r}"
        )


def _check_operations(provider: Provider) -> None:
    for operation in provider.operations:
        if not _OPERATION.fullmatch(operation):
            raise ValueError(
                f"operations can't have {operation!r}; write a method and a path, such as POST /v1/{{list}}/search"
            )


def _check_centre(name: str, centre: DataCentre) -> None:
    if not _NAME.fullmatch(name) or name == REHEARSAL:
        raise ValueError(
            f"data_centres.{name}: use a-z, 0-9 and - in the name, which must not be {REHEARSAL}"
        )
    for key in ("api", "accounts", "tokens", "sandbox", "developer"):
        url = getattr(centre, key)
        if url is not None:
            _check_url(f"data_centres.{name}.{key}", url)


def _check_sign_in(provider: Provider) -> None:
    unknown = sorted(set(provider.unticked) - provider.scopes.keys())
    if unknown:
        raise ValueError(f"unticked contains {unknown[0]!r}, which is not one of the scopes")
    if (provider.authorize_path is None) != (provider.token_path is None):
        raise ValueError("authorize_path and token_path belong together: write both or neither")
    if provider.method == "API_KEY" and provider.signs_in:
        raise ValueError("authorize_path and token_path are not allowed if the method is API_KEY")
    if provider.signs_in:
        for name, centre in provider.data_centres.items():
            if centre.accounts is None:
                raise ValueError(f"data_centres.{name}.accounts is missing: people sign in there")


def _check_identity(identity: Identity) -> None:
    path = identity.path
    if path is not None and not re.fullmatch(rf"{_PATH.pattern}(\?[^\s#]*)?", path):
        raise ValueError(f"identity.path has to be a path such as /users/me, not {path!r}")
    for name, fact_path in identity.facts.items():
        if not _JSON_PATH.fullmatch(fact_path):
            raise ValueError(
                f"identity.facts.{name} has to be a path such as users.0.email, not {fact_path!r}"
            )
    for name, value in identity.headers.items():
        if not re.fullmatch(r"[A-Za-z0-9-]+", name) or not _VISIBLE.fullmatch(value):
            raise ValueError(f"identity.headers.{name} is not a valid header")


def _check_url(key: str, url: str) -> None:
    if not is_base_url(url):
        raise ValueError(f"{key} has to be a base URL such as https://api.example.com, not {url!r}")


def is_base_url(url: str) -> bool:
    """True if the text is a URL to which native paths can be appended. Its path goes into requests unchanged."""
    match = _BASE_URL.fullmatch(url)
    try:
        parts = urlsplit(url)
        return match is not None and bool(parts.hostname) and parts.port != 0 and ".." not in parts.path
    except ValueError:  # The port is over 65535, or the brackets contain no IPv6 address.
        return False
