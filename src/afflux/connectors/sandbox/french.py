"""Account numbers in the French form, with check digits that hold."""

from dataclasses import dataclass

from afflux.connectors.sandbox.draws import Draws

#: No bank has these codes.
BANK_CODE = "99901"
BRANCH_CODE = "00042"
BIC = "AFFXFRP1XXX"


@dataclass(frozen=True, slots=True)
class Identity:
    """How a French current account is written."""

    #: 11 digits.
    number: str
    #: Bank, branch and number, 21 digits, without the key.
    bban: str
    iban: str


def identity(*words: object) -> Identity:
    """Draw an account's number and what follows from it."""
    number = Draws("number", *words).digits(11)
    bban = BANK_CODE + BRANCH_CODE + number
    key = 97 - (89 * int(BANK_CODE) + 15 * int(BRANCH_CODE) + 3 * int(number)) % 97
    return Identity(number, bban, iban("FR", f"{bban}{key:02d}"))


def iban(country: str, bban: str) -> str:
    """Write an IBAN with its check digits (ISO 13616) for a bban of digits."""
    letters = "".join(str(ord(letter) - 55) for letter in country)
    check = 98 - int(f"{bban}{letters}00") % 97
    return f"{country}{check:02d}{bban}"


def masked_card(*words: object) -> str:
    """Draw a card number of which the last six digits are shown."""
    return "x" * 10 + Draws("card", *words).digits(6)
