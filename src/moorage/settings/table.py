"""The table of all settings: name, environment variable, default and meaning."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from moorage.settings import databases, readers
from moorage.settings.clients import text_of_clients


class Setting(msgspec.Struct, frozen=True):
    """One setting. `read` makes the value from the text, or raises ValueError with a message that says what is allowed.

    The text of a secret may also be in a file, whose path is in the variable `env` + `_FILE`. `secret_if` tells which
    texts are secret, if only some are. `option` is the option of `moorage up` that wins over the variable.

    `in_file` is what the settings file may have beside a text: one value, a list of texts, or a table, of which
    `of_table` makes the text. `live` means that a running server uses a new value after a reload.
    """

    name: str
    env: str
    read: Callable[[str], Any]
    default: str
    meaning: str
    secret: bool = False
    option: str | None = None
    secret_if: Callable[[str], bool] | None = None
    in_file: Literal["one", "list", "table"] = "one"
    of_table: Callable[[Mapping[str, Any]], str] | None = None
    live: bool = False

    @property
    def may_be_secret(self) -> bool:
        return self.secret or self.secret_if is not None

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that it may come from."""
        return (self.env, f"{self.env}_FILE") if self.may_be_secret else (self.env,)

    def is_secret(self, text: str) -> bool:
        return self.secret or (self.secret_if is not None and self.secret_if(text))


SETTINGS = (
    Setting(
        "home",
        "MOORAGE_HOME",
        readers.folder,
        "~/.moorage",
        "The data folder: databases, keys, your own apps.",
        option="--home",
    ),
    Setting(
        "host",
        "MOORAGE_HOST",
        readers.plain,
        "127.0.0.1",
        "The address that both servers listen on.",
        option="--host",
    ),
    Setting(
        "port",
        "MOORAGE_PORT",
        readers.port,
        "8787",
        "The gateway's port; 0 picks a free port.",
        option="--port",
    ),
    Setting(
        "crm_port",
        "MOORAGE_CRM_PORT",
        readers.port,
        "8788",
        "The embedded CRM's port; 0 picks a free port.",
        option="--crm-port",
    ),
    Setting("public_url", "MOORAGE_PUBLIC_URL", readers.url, "", "The gateway's base URL for people."),
    Setting(
        "crm_public_url",
        "MOORAGE_CRM_PUBLIC_URL",
        readers.url,
        "",
        "The embedded CRM's base URL for clients.",
    ),
    Setting(
        "database_url",
        "MOORAGE_DATABASE_URL",
        databases.database,
        "",
        "The database of keys and connections: SQLite or PostgreSQL.",
        secret_if=databases.has_password,
    ),
    Setting(
        "database_connections",
        "MOORAGE_DATABASE_CONNECTIONS",
        readers.connections,
        "6",
        "Connections of each process to that database, if it is PostgreSQL.",
    ),
    Setting(
        "crm_database_url",
        "MOORAGE_CRM_DATABASE_URL",
        databases.crm_database,
        "",
        "The embedded CRM's organisations: a folder, or PostgreSQL.",
        secret_if=databases.has_password,
    ),
    Setting(
        "crm_connections",
        "MOORAGE_CRM_CONNECTIONS",
        readers.crm_connections,
        "12",
        "Connections of each process to each PostgreSQL server of the CRM.",
    ),
    Setting(
        "crm_servers",
        "MOORAGE_CRM_SERVERS",
        databases.servers,
        "",
        "More PostgreSQL servers for organisations, as name=URL.",
        secret=True,
        in_file="table",
        of_table=databases.text_of_servers,
    ),
    Setting(
        "crm_receivers",
        "MOORAGE_CRM_RECEIVERS",
        readers.receivers,
        "local",
        "Where the embedded CRM may send notifications: local, public, networks.",
        in_file="list",
        live=True,
    ),
    Setting(
        "api_key",
        "MOORAGE_API_KEY",
        readers.api_key,
        "",
        "The API key that the first start stores.",
        secret=True,
    ),
    Setting(
        "vault_key",
        "MOORAGE_VAULT_KEY",
        readers.vault_key,
        "",
        "The key that encrypts stored tokens; older keys may follow it.",
        secret=True,
        in_file="list",
    ),
    Setting(
        "oauth_clients",
        "MOORAGE_OAUTH_CLIENTS",
        readers.oauth_clients,
        "",
        "Your OAuth clients of the apps, as JSON.",
        secret=True,
        in_file="table",
        of_table=text_of_clients,
        live=True,
    ),
    Setting(
        "oidc_issuer",
        "MOORAGE_OIDC_ISSUER",
        readers.issuer,
        "",
        "The OpenID Connect issuer at which people may sign in.",
    ),
    Setting(
        "oidc_client_id",
        "MOORAGE_OIDC_CLIENT_ID",
        readers.plain,
        "",
        "What the issuer knows this Moorage by.",
    ),
    Setting(
        "oidc_client_secret",
        "MOORAGE_OIDC_CLIENT_SECRET",
        readers.secret,
        "",
        "The secret that belongs to the client id.",
        secret=True,
    ),
    Setting(
        "oidc_allow",
        "MOORAGE_OIDC_ALLOW",
        readers.addresses,
        "",
        "The e-mail domains and addresses that may sign in by the issuer.",
        in_file="list",
        live=True,
    ),
    Setting(
        "oidc_role",
        "MOORAGE_OIDC_ROLE",
        readers.role,
        "none",
        "The role of somebody who may sign in and was not invited.",
        live=True,
    ),
    Setting(
        "rate_limit",
        "MOORAGE_RATE_LIMIT",
        readers.rate,
        "auto",
        "Requests per second for each account, or off.",
        live=True,
    ),
    Setting(
        "live_policy",
        "MOORAGE_LIVE_POLICY",
        readers.policy,
        "cautious",
        "What keys without a policy may do to live accounts.",
        live=True,
    ),
    Setting(
        "return_urls",
        "MOORAGE_RETURN_URLS",
        readers.return_urls,
        "",
        "Where people may be sent after they have connected.",
        in_file="list",
        live=True,
    ),
    Setting(
        "upstream_timeout",
        "MOORAGE_UPSTREAM_TIMEOUT",
        readers.seconds,
        "60",
        "Seconds that an app may take to answer.",
        live=True,
    ),
    Setting(
        "proxy",
        "MOORAGE_PROXY",
        readers.proxy,
        "",
        "The proxy through which apps are reached, or off.",
        secret_if=readers.has_user,
        live=True,
    ),
    Setting(
        "no_proxy",
        "MOORAGE_NO_PROXY",
        readers.hosts,
        "",
        "Hosts and networks that are reached without a proxy.",
        in_file="list",
        live=True,
    ),
    Setting(
        "approval_time",
        "MOORAGE_APPROVAL_TIME",
        readers.approval_time,
        "900",
        "Seconds that a call waits for a person.",
        live=True,
    ),
    Setting(
        "approval_body",
        "MOORAGE_APPROVAL_BODY",
        readers.approval_body,
        "1048576",
        "The longest body of a call that waits for a person, in bytes.",
        live=True,
    ),
    Setting(
        "stop_delay",
        "MOORAGE_STOP_DELAY",
        readers.delay,
        "0",
        "Seconds from the signal to stop until new connections are refused.",
        live=True,
    ),
    Setting(
        "metrics",
        "MOORAGE_METRICS",
        readers.listening,
        "off",
        "Where Prometheus may ask for metrics: off, on (127.0.0.1:8789), or HOST:PORT.",
    ),
    Setting(
        "traces",
        "MOORAGE_TRACES",
        readers.url,
        "",
        "Where spans of sampled calls go: the URL of an OTLP/HTTP receiver.",
    ),
    Setting(
        "trace_ratio",
        "MOORAGE_TRACE_RATIO",
        readers.ratio,
        "0",
        "The part of calls without a trace that get one, from 0 to 1.",
    ),
    Setting("log_level", "MOORAGE_LOG_LEVEL", readers.level, "info", "How much is logged.", live=True),
    Setting(
        "requests_kept",
        "MOORAGE_REQUESTS_KEPT",
        readers.count,
        "1000000",
        "How many calls the request log keeps; 0 keeps none.",
        live=True,
    ),
    Setting(
        "requests_days", "MOORAGE_REQUESTS_DAYS", readers.days, "30", "Days that it keeps a call.", live=True
    ),
    Setting(
        "request_bodies",
        "MOORAGE_REQUEST_BODIES",
        readers.switch,
        "off",
        "Whether it keeps bodies, without what may be a secret: on or off.",
    ),
    Setting(
        "request_body_size",
        "MOORAGE_REQUEST_BODY_SIZE",
        readers.body_size,
        "16384",
        "How many bytes of a body it keeps.",
        live=True,
    ),
    Setting(
        "request_body_days",
        "MOORAGE_REQUEST_BODY_DAYS",
        readers.days,
        "1",
        "Days that it keeps a body.",
        live=True,
    ),
)
