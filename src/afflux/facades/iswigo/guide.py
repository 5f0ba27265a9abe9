"""What the documentation of the facade says besides its routes."""

from typing import Any

from litestar.handlers import HTTPRouteHandler

from afflux.facades.iswigo.auth import with_psd2, with_recent_token, with_token
from afflux.web.openapi import Json, Section

VERSION = "1"

_SIGNING = """\
url={url}
app=shop
secret=...
signed() {{
  method=$1 target=$2 body=$3
  text="$secret+$(printf %s "$method" | tr A-Z a-z)+$target+$body"
  digest=$(printf %s "$text" | openssl dgst -sha256 -r | cut -d ' ' -f 1)
  curl --silent --show-error --globoff --request "$method" "$url$target" \\
    --header "X-Iswigo-App: $app" --header "X-Iswigo-Signature: \\$5\\$$digest" \\
    --header "Authorization:${{token:+ Bearer $token}}" \\
    --header "Content-Type:${{body:+ application/json}}" --data-raw "$body"
}}
signed GET '/v1/providers?range=0-4'"""

_USER = """\
signed POST /v1/users '{"email":"ada@example.org","password":"Pa55!word"}'
signed POST /v1/authenticate '{"email":"ada@example.org","password":"Pa55!word"}'
token=...                       # the access_token of the answer
signed GET /v1/profile"""


def sections(url: str) -> tuple[Section, ...]:
    """The guide; `url` is where clients reach the server."""
    return (
        Section(
            "Signing",
            (
                "Every request says which application sends it, in `X-Iswigo-App`, and proves it in "
                "`X-Iswigo-Signature`: `$5$` and the SHA-256, in small hexadecimal digits, of the secret, the method "
                "in small letters, the path with its query, and the body, joined by plus signs. Without a body, the "
                "text ends in the last plus.",
                "What is signed are the bytes that are sent: nothing is decoded or put in another order. Only brackets "
                "may travel raw or percent-encoded, whichever form was signed.",
                "`afflux app create shop` makes an application and prints its secret.",
            ),
            _SIGNING.format(url=url),
        ),
        Section(
            "Acting for a user",
            (
                "What belongs to a user needs an access token too. It holds for an hour and cannot be renewed; "
                "authenticate again.",
            ),
            _USER,
        ),
        Section(
            "Lists",
            (
                "Lists come in ranges, as `range=0-19`, of at most 100 items. `Accept-Range` says how many came, "
                "`Content-Range` which of how many, and `Link` leads to the other ranges.",
            ),
        ),
        Section(
            "Errors",
            (
                "An error is an object with its status and a text; the text is also the reason phrase of the "
                "status line. What does not exist and what is somebody else's look alike.",
            ),
        ),
        Section(
            "Trying it out",
            (
                "Provider 999 is a test bank: any login, the password 123456, and the code 1234 when it asks for the "
                "SMS. Provider 1005 refuses every password, and 1006 brings documents.",
            ),
        ),
    )


def _header(name: str, description: str) -> Json:
    return {"type": "apiKey", "in": "header", "name": name, "description": description}


SCHEMES: dict[str, Json] = {
    "app": _header("X-Iswigo-App", "The application."),
    "signature": _header("X-Iswigo-Signature", "The signature of this request; see Signing."),
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The user's access token, from POST /v1/authenticate.",
    },
}

_LIST_HEADERS = {
    "Accept-Range": ("What the list has, and how many of it came.", True),
    "Content-Range": (
        "First and last index, and how many there are in all; the indexes are * in an empty range.",
        True,
    ),
    "Link": ("Where the other ranges are; only where there are any.", False),
}
_RANGE_HEADERS = {
    name: {"description": text, "required": required, "schema": {"type": "string"}}
    for name, (text, required) in _LIST_HEADERS.items()
}


def annotate(handler: HTTPRouteHandler, operation: Json) -> None:
    """Say who may call, and which headers a list has."""
    guards = handler.guards or ()
    needed = ["app", "signature", *(["token"] if {with_token, with_recent_token} & set(guards) else [])]
    operation["security"] = [{name: [] for name in needed}]
    if with_psd2 in guards:
        operation["description"] += " Only for PSD2-compliant applications."
    if any(each["name"] == "range" for each in operation.get("parameters", ())):
        operation["responses"]["200"]["headers"] = _RANGE_HEADERS


#: By operation, else by member.
EXAMPLES: dict[str, Any] = {
    "create_connection": {"provider": 999, "login": "123456789", "password": "123456"},
    "change_connection": {"password": "654321"},
    "answer_step": {"sms": "1234"},
    "create_session": {"action": "create", "type": "bank", "country": "FR"},
    "change_profile": {"email": "ada@mail.example", "terms_of_service": "2031-01-01"},
    "user_id": "7b7e1f5c-3b5f-4a55-8a35-3a9b8b3d2a10",
    "connection_id": "0b9f0f3e-5a0c-4a53-9d38-2f2c7a1f6a11",
    "account_id": "2f6f9b0e-58f4-4c2c-9a51-0f0f5d1d6c21",
    "transaction_id": "9d0a4b5e-1c0e-4f0b-8f3e-6b1c2d3e4f50",
    "document_id": "c3a1e8d2-7b64-4d0a-b1f9-5e2d3c4b5a60",
    "event_id": "5d0f2a3e-7d3b-4f0b-8f6c-0d8b8a0a9c11",
    "session_id": "e1d2c3b4-a596-4788-9a0b-1c2d3e4f5061",
    "email": "ada@example.org",
    "password": "Pa55!word",
    "new_password": "Pa55!word2",
    "last_name": "Lovelace",
    "first_name": "Ada",
    "company": None,
    "GivenToken.token": "507318",
    "access_token": "eyJ0eXAiOiJKV1Qi...",
    "token_type": "Bearer",
    "expires_in": 3599,
    "provider_id": 999,
    "depend_of": None,
    "logo": None,
    "url": None,
    "login": "123###789",
    "create_time": "2031-02-03 10:12:44",
    "last_synchronized_time": "2031-02-03 10:13:05",
    "last_error_time": None,
    "nb_errors": 0,
    "status": "finished",
    "ProviderObject.status": "available",
    "ProviderObject.name": "Banque de test",
    "ProviderObject.type": ["bank"],
    "AccountObject.type": "account",
    "AccountObject.name": "Compte courant",
    "TransactionObject.wording": "CARTE 01/02 STATION",
    "TransactionObject.text": ".",
    "DocumentObject.type": "invoice",
    "DocumentObject.name": "Facture 2031-02",
    "EventObject.type": "connection.status",
    "EventObject.create_time": "2031-02-03T09:12:44+00:00",
    "step": None,
    "progression": None,
    "account_number": "00012345678",
    "bban": "300040000100012345678",
    "balance": 1000,
    "currency": "EUR",
    "parent_account_id": None,
    "operation_date": "2031-02-01",
    "value_date": "2031-02-02",
    "accounting_date": None,
    "cc_order_month": None,
    "check_number": None,
    "amount": -12.5,
    "payment_date": "2031-02-01",
    "terms_of_service": "2031-01-01",
    "last_terms_of_service": "2031-01-01",
    "token_expiration": "2031-02-03T09:15:00+00:00",
    "extension": "pdf",
    "mime": "application/pdf",
    "size": 18244,
    "sha1": "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
    "inputs": {
        "default": {
            "title": None,
            "inputs": [{"name": "login", "type": "text", "varname": "login", "maxlength": 11, "label": "Identifiant"}],
        }
    },
    "docs": ["invoice"],
    "uri": "http://127.0.0.1:8080/widget/?session=e1d2c3b4-a596-4788-9a0b-1c2d3e4f5061",
}
