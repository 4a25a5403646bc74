"""What programs read before they ask for leave: metadata of the resources and of the server (RFC 9728, RFC 8414)."""

from typing import Any

from moorage.grants.resources import SCOPE, Resource

AUTHORIZATION_SERVER = "/.well-known/oauth-authorization-server"
# Where programs look that know OpenID Connect. Only this address is below a public URL that has a path (RFC 8414, 5).
OPENID = "/.well-known/openid-configuration"

AUTHORIZE = "/oauth/authorize"
TOKEN = "/oauth/token"
REVOKE = "/oauth/revoke"
REGISTER = "/oauth/register"


def of_resource(resource: Resource, public_url: str) -> dict[str, Any]:
    return {
        "resource": resource.url,
        "authorization_servers": [public_url],
        "scopes_supported": [SCOPE],
        "bearer_methods_supported": ["header"],
        "resource_name": "Moorage",
    }


def of_server(public_url: str) -> dict[str, Any]:
    """The issuer is the public URL."""
    return {
        "issuer": public_url,
        "authorization_endpoint": f"{public_url}{AUTHORIZE}",
        "token_endpoint": f"{public_url}{TOKEN}",
        "revocation_endpoint": f"{public_url}{REVOKE}",
        "registration_endpoint": f"{public_url}{REGISTER}",
        "scopes_supported": [SCOPE],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "client_id_metadata_document_supported": True,
        "authorization_response_iss_parameter_supported": True,
    }
