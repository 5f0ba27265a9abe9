"""What the documentation of the facade says besides its routes."""

from typing import Any

from litestar.handlers import HTTPRouteHandler

from afflux.facades.oxlin.auth import Allowed
from afflux.facades.oxlin.scopes import OF_CLIENTS, OF_USERS
from afflux.web.openapi import Json, Section

VERSION = "2.1"

_TOKENS = """\
url={url}
id=...
secret=...
token=$(curl --silent $url/token -d grant_type=client_credentials -d client_id=$id -d client_secret=$secret |
  sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
curl --silent $url/v2.1/users -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \\
  -d '{{"email":"ana@example.org","password":"Pa55!word"}}'
token=$(curl --silent $url/token -d grant_type=password -d client_id=$id -d client_secret=$secret \\
  -d username=ana@example.org -d password='Pa55!word' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
curl --silent $url/v2.1/users/me -H "Authorization: Bearer $token\""""

_SYNC = """\
curl --silent -X POST $url/v2.1/queues -H "Authorization: Bearer $token"
curl --silent $url/v2.1/connections -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \\
  -d '{"provider_id":"87","channels":[{"channel_definition_id":"8700","credentials":[
       {"key":"login","value":"dev"},{"key":"password","value":"dev"}]}]}'
curl --silent $url/v2.1/queues/1 -H "Authorization: Bearer $token"
curl --silent $url/v2.1/accounts -H "Authorization: Bearer $token\""""


def sections(url: str) -> tuple[Section, ...]:
    """The guide; `url` is where clients reach the server."""
    return (
        Section(
            "Tokens",
            (
                "Every request carries an access token. One of the application itself makes users; one of a user "
                "reads and changes what is that user's. It holds for an hour. `afflux app create shop` makes an "
                "application and prints its id and secret.",
                "A user's token comes with a refresh token. Each refresh gives a new one; the old one stays good until "
                "the new one is used, and is worth nothing afterwards. People sign in at `/signin`, with a code for "
                "the application's registered address.",
            ),
            _TOKENS.format(url=url),
        ),
        Section(
            "Synchronising",
            (
                "A synchronisation is a job: the answer only says that it will run. What it does is told by the "
                "user's queues, and by the status of the connection, which is `RUNNING` until it has ended.",
                "The end is always an event `SYNC_ALL_SUCCESS`; what it came to is the `status` of its `resource`.",
            ),
            _SYNC,
        ),
        Section("Lists", ("A list is an array. `page` counts from 1, `limit` is 100 unless said, 500 at most.",)),
        Section(
            "Errors",
            (
                "An error is an object with a code and a sentence. What does not exist and what is somebody else's "
                "look alike. What goes wrong at a bank is no error of a request.",
            ),
        ),
        Section(
            "Trying it out",
            (
                "Provider 87 is a bank with a channel by redirect and one by login; `dev` and `dev` open it. A "
                "program that visits the `auth_url` of a channel agrees by coming there.",
            ),
        ),
    )


SCHEMES: dict[str, Json] = {
    "token": {
        "type": "oauth2",
        "description": "An access token, from POST /token.",
        "flows": {
            "clientCredentials": {"tokenUrl": "/token", "scopes": {name: "" for name in OF_CLIENTS}},
            "authorizationCode": {
                "authorizationUrl": "/signin",
                "tokenUrl": "/token",
                "refreshUrl": "/token",
                "scopes": {name: "" for name in OF_USERS},
            },
        },
    },
}

_CLIENT: Json = {name: {"type": "string"} for name in ("client_id", "client_secret")}
_TOKEN_REQUEST: Json = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"enum": ["client_credentials", "password", "refresh_token", "authorization_code"]},
        **_CLIENT,
        **{
            name: {"type": "string"}
            for name in (
                "scope", "username", "password", "refresh_token", "code", "redirect_uri", "code_verifier", "provider",
            )
        },
    },
}  # fmt: skip
_SESSION_REQUEST: Json = {
    "type": "object",
    "required": ["access_token"],
    "properties": {**_CLIENT, "access_token": {"type": "string"}},
}
#: What is sent as a form or as JSON, by operation.
_FORMS = {
    "create_token": _TOKEN_REQUEST,
    "create_session": _SESSION_REQUEST,
}

#: Whose body may be missing: nothing is to be changed then.
_MAY_SAY_NOTHING = ("change_user", "change_connection", "change_account")


def annotate(handler: HTTPRouteHandler, operation: Json) -> None:
    """Say whose token with which scope is good, and where what was made is."""
    for guard in handler.guards or ():
        if isinstance(guard, Allowed):
            operation["security"] = [{"token": [scope]} for scope in _scopes(guard)] or [{"token": []}]
            operation["description"] += _whose(guard)
    if schema := _FORMS.get(str(handler.handler_name)):
        types = ("application/x-www-form-urlencoded", "application/json")
        operation["requestBody"] = {"required": True, "content": {type: {"schema": schema} for type in types}}
    elif handler.handler_name in _MAY_SAY_NOTHING:
        operation["requestBody"]["required"] = False
    if "201" in operation["responses"]:
        location = {"description": "Where it is, below `/v2.1`.", "required": True, "schema": {"type": "string"}}
        operation["responses"]["201"]["headers"] = {"Location": location}


def _scopes(guard: Allowed) -> list[str]:
    return [*(guard.user or ()), *(guard.client or ())]


def _whose(guard: Allowed) -> str:
    if guard.client is None:
        return " Needs a user's token."
    return " Needs a token of the application itself." if guard.user is None else ""


#: By operation, else by member.
EXAMPLES: dict[str, Any] = {
    "create_connection": {
        "provider_id": "87",
        "channels": [
            {
                "channel_definition_id": "8700",
                "credentials": [{"key": "login", "value": "dev"}, {"key": "password", "value": "dev"}],
            }
        ],
    },
    "change_connection_patch": {"name": "Household", "auto_sync": False},
    "change_connection_put": {"name": "Household", "auto_sync": False},
    "change_user": {"first_name": "Ana"},
    "change_account": {"name": "Household", "usage": "PERSONAL"},
    "answer_challenge": {"credentials": [{"key": "sms", "value": "1234"}]},
    "error": "BAD_PARAMETER",
    "error_description": "page is not valid",
    "access_token": "eyJ0eXAiOiJKV1Qi...",
    "token_type": "Bearer",
    "expires_in": 3600,
    "scope": "profile accounts_read",
    "refresh_token": "6t1vHkq0...",
    "session_id": "5b0e6c1c-...",
    **dict.fromkeys(
        ("add_connection", "professional_account", "terms"),
        "http://127.0.0.1:8080/v2.1/widget/add_connection?session_id=5b0e6c1c-...",
    ),
    "id": "9001",
    "UserObject.id": "5001",
    "UserId.id": "5001",
    "ProviderObject.id": "87",
    "ChannelDefinition.id": "8700",
    "AccountObject.id": "7001",
    "TransactionObject.id": "880001",
    "QueueObject.id": "77",
    "EventObject.id": "20",
    "ChallengeObject.id": "31",
    "CategoryObject.id": "SUPERMARKET",
    "CategoryObject.label": "Supermarket",
    "Parent.id": "DAILY_LIFE",
    "Parent.label": "Daily life",
    "user_id": "5001",
    "provider_id": "87",
    "connection_id": "9001",
    "account_id": "7001",
    "challenge_id": "31",
    "queue_id": "77",
    "channel_definition_id": "8700",
    "last_channel_definition_id": "8700",
    "email": "ana@example.org",
    "password": "Pa55!word",
    "first_name": "Ana",
    "last_name": "Lopez",
    "gender": "FEMALE",
    "birthdate": 479433600,
    "address": {"postcode": "75011"},
    "creation_date": 1700000000,
    "name": "Afflux Test Bank",
    "AccountObject.name": "Compte courant",
    "Owner.name": "ANA LOPEZ",
    "country": "FR",
    "logo_url": "http://127.0.0.1:8080/signin/bank.svg",
    "mode": "EMBEDDED",
    "account_types": ["CHECKINGS", "SAVINGS", "LOAN", "CREDIT_CARD"],
    "key": "login",
    "label": "Login",
    "connection_links": ["/connections/9001"],
    "event_type": "SYNC_ALL_SUCCESS",
    "resource_type": "CONNECTION",
    "status": "SUCCESS",
    "AccountObject.status": "ACTIVE",
    "TransactionObject.status": "BOOKED",
    "auth_url": "http://127.0.0.1:8080/sandbox/bank?state=...",
    "account_number": "00012345678",
    "iban": "FR7630001007941234567890185",
    "currency": "EUR",
    "balance": 1250.4,
    "amount": -12.5,
    "origin": "TRANSACTION",
    "category_id": "TELECOM",
    "TransactionObject.type": "DIRECT_DEBIT",
    "TransactionObject.label": "Phone operator",
    "notes": "PRLV PHONE OPERATOR",
    "remittance_information": ["PRLV PHONE OPERATOR"],
    "date": 1699916400,
    "import_date": 1700003600,
    "last_update_date": 1700003600,
}
