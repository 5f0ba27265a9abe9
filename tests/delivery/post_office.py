"""A real mail server that keeps what it takes, and a certificate that only those trust who are told to."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LOGIN, PASSWORD = "afflux", "p@ss/w:rd"


@dataclass
class PostOffice:
    """What a mail server got, and what it says to the next senders."""

    port: int = 0
    #: Sender, recipients, content, and whether the line was encrypted.
    taken: list[tuple[str, list[str], bytes, bool]] = field(default_factory=list)
    #: Answers to the next recipients that are named; then all are welcome.
    refusals: list[str] = field(default_factory=list)
    #: Passwords it was shown.
    shown: list[bytes] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Called by the server for each recipient."""
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by the server with a whole message."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.taken.append((str(envelope.mail_from), list(envelope.rcpt_tos), content, session.ssl is not None))
        return "250 OK"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        """Called by the server for a login."""
        assert isinstance(data, LoginPassword)
        self.shown.append(data.password)
        return AuthResult(success=(data.login, data.password) == (LOGIN.encode(), PASSWORD.encode()), handled=False)


@asynccontextmanager
async def post_office(tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[PostOffice]:
    """A mail server on a port of its own; `tls` is for a server that speaks nothing else."""
    office = PostOffice()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(office, enable_SMTPUTF8=True, authenticator=office.authenticate, **options),
        "127.0.0.1",
        0,
        ssl=tls,
    )
    office.port = server.sockets[0].getsockname()[1]
    async with server:
        yield office


def certificate(folder: Path) -> Path:
    """A key and a certificate for this machine, signed by itself, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "post")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "post.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


def encrypted(pem: Path) -> ssl.SSLContext:
    """How a server with this certificate speaks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
