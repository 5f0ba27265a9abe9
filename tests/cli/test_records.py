"""Commands about acts on users: they are audited, users are suspended, and issuers made known."""

from pathlib import Path

from joserfc.jwk import ECKey, RSAKey

from afflux.runtime import Runtime
from afflux.store import operations
from tests.cli.commanding import Outcome, afflux
from tests.conftest import Tenant

EC_PEM = ECKey.generate_key("P-256").as_pem(private=False)


async def test_the_command_says_what_is_wrong(here: Runtime, alice: Tenant) -> None:
    assert (await afflux("audit", "verify", "--json")).json == {"records": 1, "problems": []}
    assert (await afflux("audit", "verify")).out == "1 records checked: nothing was changed.\n"
    async with here.database.transaction() as tx:
        await tx.execute("UPDATE operations SET reason = 'nothing'")
    told = await afflux("audit", "verify")
    assert told.code == 1
    assert "record 1 was changed" in told.err
    assert (await afflux("audit", "verify", "--json")).code == 1


async def test_a_user_is_suspended_and_resumed_once(here: Runtime, alice: Tenant) -> None:
    def command(name: str) -> tuple[str, ...]:
        return ("user", name, "shop", "--user", "alice@example.org")

    assert (await afflux(*command("resume"))).complaint == "the user is not suspended"
    assert (await afflux(*command("suspend"), "--reason", "asked", "--json")).json == {"suspended": True}
    assert (await afflux(*command("suspend"))).complaint == "the user is already suspended"
    assert (await afflux(*command("resume"))).out == "Resumed.\n"
    async with here.database.reading() as tx:
        acts = await operations.on_user(tx, alice.application.id, alice.user.id)
    assert [(each.kind, each.actor) for each in acts[:2]] == [("resume", "operator"), ("suspend", "operator")]
    assert acts[1].reason == "asked"


async def test_an_application_becomes_an_issuer(here: Runtime, alice: Tenant, tmp_path: Path) -> None:
    pem = tmp_path / "key.pem"
    assert "cannot read" in (await d1(pem)).complaint
    for content, complaint in (
        (b"nonsense", "the file has no public key in PEM"),
        (RSAKey.generate_key(2048).as_pem(private=False), "the key is not on the curve P-256, which ES256 needs"),
    ):
        pem.write_bytes(content)
        assert (await d1(pem)).complaint == complaint
    pem.write_bytes(EC_PEM)
    assert (await d1(pem, "SHORT")).complaint.startswith("an issuer id has 10")
    assert (await d1(pem)).json == {"issuer_id": "BANKONE-01", "kid": "key-1"}
    await afflux("app", "create", "other")
    assert (await d1(pem, name="other")).complaint == "issuer 'BANKONE-01' exists already"


async def d1(pem: Path, issuer: str = "BANKONE-01", name: str = "shop") -> Outcome:
    options = ("--issuer-id", issuer, "--kid", "key-1", "--public-key", pem)
    return await afflux("app", "d1", name, *options, "--json")
