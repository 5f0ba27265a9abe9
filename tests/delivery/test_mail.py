"""Letters go out whole, encrypted where they can be, and to nobody who only claims to be the mail server."""

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote

import pytest

from afflux.config import Settings, load
from afflux.delivery import mail, outbox
from afflux.delivery.letter import Letter, Undelivered
from afflux.domain.errors import InvalidInput
from tests.delivery.post_office import LOGIN, PASSWORD, PostOffice, certificate, encrypted, post_office

LETTER = Letter("1.2", "ada@example.org", "Your code for shop", "It is\n\n    012345\n\n.\nBye\n")
WITH_LOGIN = f"{LOGIN}:{quote(PASSWORD, safe='')}@"


def by(settings: Settings, office: PostOffice, login: str = "", scheme: str = "smtp") -> Settings:
    """The settings of somebody who mails by this post office."""
    return replace(settings, smtp_url=f"{scheme}://{login}127.0.0.1:{office.port}", mail_from="Shop <shop@example.org>")


def opened(content: bytes) -> EmailMessage:
    return message_from_bytes(content, policy=policy.default)  # type: ignore[return-value]


@pytest.fixture
def pem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The certificate of a server, which everybody trusts."""
    path = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


async def test_a_letter_arrives_as_it_was_written(settings: Settings) -> None:
    async with post_office() as office:
        await mail.send(by(settings, office), LETTER)
    ((sender, recipients, content, _),) = office.taken
    message = opened(content)
    assert (sender, recipients) == ("shop@example.org", ["ada@example.org"])
    assert (message["From"], message["To"]) == ("Shop <shop@example.org>", "ada@example.org")
    assert (message["Subject"], message["Message-ID"]) == ("Your code for shop", "<1.2@example.org>")
    assert message.get_content().splitlines() == LETTER.text.splitlines()
    assert message.get_content_type() == "text/plain"


@pytest.mark.parametrize("to", ["zoé@example.org", "ada@münchen.example", "o'neil+x@example.org"])
async def test_addresses_of_all_kinds_are_reached(settings: Settings, to: str) -> None:
    async with post_office() as office:
        await mail.send(by(settings, office), replace(LETTER, to=to))
    assert [recipients for _, recipients, _, _ in office.taken] == [[to]]


@pytest.mark.parametrize(
    "letter",
    [replace(LETTER, to="ada@example.org\r\nBcc: eve@example.org"), replace(LETTER, subject="Hi\nBcc: eve@x.org")],
)
async def test_nothing_gets_into_the_headers(settings: Settings, letter: Letter) -> None:
    async with post_office() as office:
        with pytest.raises(ValueError, match=r"invalid|linefeed"):
            await mail.send(by(settings, office), letter)
    assert office.taken == []


async def test_the_line_is_encrypted_where_the_server_offers_it(settings: Settings, pem: Path) -> None:
    async with post_office(tls_context=encrypted(pem), require_starttls=True, auth_required=True) as office:
        await mail.send(by(settings, office, WITH_LOGIN), LETTER)
    assert [secret for _, _, _, secret in office.taken] == [True]
    assert office.shown == [PASSWORD.encode()]


async def test_a_server_may_speak_nothing_but_tls(settings: Settings, pem: Path) -> None:
    async with post_office(tls=encrypted(pem), auth_require_tls=False) as office:
        await mail.send(by(settings, office, WITH_LOGIN, scheme="smtps"), LETTER)
    assert len(office.taken) == 1


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    settings: Settings, tmp_path: Path, scheme: str
) -> None:
    speaking = encrypted(certificate(tmp_path))
    options = {"tls": speaking} if scheme == "smtps" else {"tls_context": speaking}
    async with post_office(**options) as office:
        with pytest.raises(Undelivered) as refused:
            await mail.send(by(settings, office, WITH_LOGIN, scheme), LETTER)
    assert not refused.value.for_good
    assert (office.taken, office.shown) == ([], [])


async def test_a_password_is_not_sent_in_the_open(settings: Settings) -> None:
    async with post_office(auth_require_tls=False) as office:
        with pytest.raises(Undelivered, match="encryption"):
            await mail.send(by(settings, office, WITH_LOGIN), LETTER)
    assert (office.taken, office.shown) == ([], [])


@pytest.mark.parametrize(("answer", "for_good"), [("550 Who is ada@example.org?", True), ("450 Later", False)])
async def test_a_refusal_says_whether_another_attempt_helps(settings: Settings, answer: str, for_good: bool) -> None:
    async with post_office() as office:
        office.refusals.append(answer)
        with pytest.raises(Undelivered) as refused:
            await mail.send(by(settings, office), LETTER)
    assert refused.value.for_good is for_good
    assert "ada" not in str(refused.value)


async def test_nobody_there_is_tried_again(settings: Settings) -> None:
    async with post_office() as office:
        pass
    with pytest.raises(Undelivered) as refused:
        await mail.send(by(settings, office), LETTER)
    assert not refused.value.for_good


async def test_without_a_server_letters_lie_in_a_private_outbox(settings: Settings) -> None:
    for id in ("1.1", "1.2", "1.2"):
        await mail.send(settings, replace(LETTER, id=id))
    folder = settings.data / "outbox"
    assert sorted(path.name for path in folder.iterdir()) == ["1.1.eml", "1.2.eml"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert "012345" in opened((folder / "1.1.eml").read_bytes()).get_content()
    outbox.remove(settings.data, outbox.letters(settings.data) - {"1.1"})
    assert outbox.letters(settings.data) == {"1.1"}


async def test_an_outbox_that_cannot_be_written_is_said(settings: Settings) -> None:
    (settings.data / "outbox").write_text("in the way")
    with pytest.raises(Undelivered, match="outbox"):
        await mail.send(settings, LETTER)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SMTP_URL", "http://kanarienvogel@example.org"),
        ("SMTP_URL", "smtp://kanarienvogel@example.org:port"),
        ("MAIL_FROM", "kanarienvogel"),
        ("MAIL_FROM", "kanarienvogel\n <a@example.org>"),
        ("ISWIGO_TERMS", "kanarienvogel"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_without_repeating_it(name: str, text: str) -> None:
    with pytest.raises(InvalidInput, match=f"AFFLUX_{name}") as refused:
        load({f"AFFLUX_{name}": text})
    assert "kanarienvogel" not in str(refused.value)
