"""What was found where in a text."""

import enum
from dataclasses import dataclass


class Kind(enum.IntEnum):
    """What a finding is; where two overlap, the lower one names what is cut out."""

    IBAN = 0
    CARD = 1
    EMAIL = 2
    SSN = 3
    NINO = 4
    SECRET = 5
    PHONE = 6
    DIGITS = 7


@dataclass(frozen=True, slots=True)
class Finding:
    """`text[start:end]` is a `kind`; `value` is what it reads, the same for the same thing."""

    start: int
    end: int
    kind: Kind
    value: str
