"""Who is paid and by whom. All names are invented."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shop:
    """A place to pay by card, and what people leave there in whole euros."""

    name: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Bill:
    """A direct debit of every month."""

    text: str
    #: Creditor identifier.
    creditor: str
    #: Day of the month.
    day: int
    low: int
    high: int
    #: The amount differs from month to month.
    varies: bool = False


SHOPS = (
    Shop("MARCHE VERT", 18, 95),
    Shop("EPICERIE DES HALLES", 6, 40),
    Shop("BOULANGERIE DU QUAI", 2, 12),
    Shop("STATION DES PINS", 35, 85),
    Shop("PHARMACIE CENTRALE", 4, 38),
    Shop("LIBRAIRIE L'ENCRIER", 8, 45),
    Shop("BISTROT DE LA POSTE", 14, 60),
    Shop("CINEMA LE PROJO", 8, 24),
    Shop("TRAINS REGIONAUX", 12, 90),
    Shop("BRICO DU PONT", 9, 130),
    Shop("FLEURS D'AVRIL", 12, 45),
    Shop("CAFE DES ARTS", 2, 9),
)
BILLS = (
    Bill("LOGIS ET TOITS", "FR01ZZZ990001", 1, 610, 980),
    Bill("ELECTRICITE DES COTEAUX", "FR02ZZZ990002", 3, 45, 95, varies=True),
    Bill("TELECOM AZIMUT", "FR03ZZZ990003", 8, 20, 45),
    Bill("ASSURANCE LE PHARE", "FR04ZZZ990004", 12, 25, 60),
    Bill("EAUX DU VAL", "FR05ZZZ990005", 15, 15, 30, varies=True),
)
EMPLOYERS = ("ATELIERS MISTRAL", "IMPRIMERIE DU CANAL", "CLINIQUE DES TILLEULS", "BUREAU D'ETUDES ORION")
OWNERS = ("MME ALIX MARTEAU", "M. SACHA VERNON", "MME LOU CASTELAN", "M. NOE BRIVARD", "MME INES FALGUIERE")
