"""Which numbers may stay: amounts, percentages, quantities, dates, years and times of day.

Judged by form and by the words around them, never by value alone: `ten thirty` is a time after
`at` and part of a card number after `four one`.
"""

import re
from collections.abc import Sequence
from typing import Final

from callfunnel.domain.redaction.tokens import Number, Token
from callfunnel.domain.redaction.wordlist import listed, one_of

_MONTHS: Final = listed(
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
_DAYS = listed("monday tuesday wednesday thursday friday saturday sunday today tomorrow")
_ORDINALS = listed(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth "
    "thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth "
    "thirtieth st nd rd th"
)
UNIT_WORDS: Final = one_of(
    "dollar dollars buck bucks pound pounds quid euro euros cent cents pence p usd eur gbp percent "
    "per % $ € £ ¥ ° megabit megabits gigabit gigabits megabyte megabytes gigabyte gigabytes "
    "meg megs gig gigs mbit mbits gbit mb gb tb mbps gbps kbps ms second seconds minute minutes "
    "hour hours day days week weeks month months year years times people users devices channels "
    "meters metres miles kilometers feet calls points degrees hertz mhz ghz watts volts square sq "
    "customers orders visitors pages items pieces units employees emails messages kilowatts"
)
_EACH = one_of("a an per each every")
_PERIODS = one_of("second minute hour day week month year person device user line")
_CURRENCY_SIGNS = frozenset("$€£¥")
_YEAR_BEFORE = one_of(
    "in since of year until till from by before after during to and between early late spring "
    "summer autumn fall winter christmas"
) | {*_MONTHS, *_ORDINALS}
_TIME_BEFORE = one_of("at until till by around before after about between from to and") | {*_DAYS}
_TIME_AFTER = one_of("am pm a p o'clock")
_PRICE_BEFORE = one_of("from to for only just than at")
_ROUND_UP = frozenset(("99", "98", "95", "90", "75", "50", "49"))
_PRICE_WORDS = one_of(
    "bill bills price prices priced pay pays paying paid cost costs charge charged charges fee "
    "fees discount plan cheaper expensive monthly rent rate refund credit balance total amount "
    "dollars pounds euros owe"
)
_MONTH = rf"(?:{'|'.join(_MONTHS)})"
_WRITTEN = re.compile(
    rf"""
      [$€£¥]\s?\d{{1,3}}(?:,\d{{3}})+(?:\.\d{{1,2}})?(?![\d])   # $1,250.00
    | [$€£¥]\s?\d{{1,7}}(?:\.\d{{1,2}})?(?![\d])                # $1250
    | (?<![\d.,-])\d{{1,3}}(?:,\d{{3}})+(?:\.\d{{1,2}})?(?![\d,.-]\d|\d)   # 1,250.00
    | (?<![\d.,-])\d{{1,6}}\.\d{{1,2}}(?![\d.,-]?\d)            # 39.99
    | (?<![\d.-])\d{{1,4}}(?:\.\d+)?\s?%                        # 12.5 %
    | (?<!\d)(?:19|20)\d\d-\d\d-\d\d(?:[T\s]\d\d:\d\d(?::\d\d(?:\.\d{{1,9}})?)?
      (?:Z|[+-]\d\d:?\d\d)?)?(?!\d)                             # 2026-12-31T10:00:00.5Z
    | (?<![\d./-])\d{{1,2}}([./-])\d{{1,2}}\1(?:19|20)?\d\d(?![\d./-]?\d)   # 31/12/2026
    | (?<!\d)\d{{1,2}}:\d\d(?::\d\d)?(?![\d:])                  # 10:30
    | \b{_MONTH}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+(?:19|20)\d\d\b   # March 3, 2026
    | \b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH},?\s+(?:19|20)\d\d\b
    """,
    re.VERBOSE | re.IGNORECASE,
)


def written_spans(text: str) -> list[tuple[int, int]]:
    """Where the text holds amounts, percentages, dates and times in their written forms."""
    return [match.span() for match in _WRITTEN.finditer(text)]


def is_measured(run: Sequence[Number], words: Sequence[Token]) -> bool:
    """A price, share or quantity: a unit follows or a currency sign leads, read as a value."""
    after = _word(words, run[-1].last + 1)
    before = _word(words, run[0].first - 1)
    each = after in _EACH and _word(words, run[-1].last + 2) in _PERIODS
    if not (each or after in UNIT_WORDS or before in _CURRENCY_SIGNS):
        return False
    short = len(run) <= 3 and sum(len(number.digits) for number in run) <= 7
    return short and (len(run) == 1 or not all(number.single for number in run))


def is_in_context(run: Sequence[Number], words: Sequence[Token]) -> bool:
    """A year, date, time of day, spoken price or plain value, as the words around it show."""
    before = _word(words, run[0].first - 1)
    if before == ",":
        before = _word(words, run[0].first - 2)
    after = _word(words, run[-1].last + 1)
    if len(run) == 1 and run[0].cardinal:
        return True
    if _is_year(run):
        return before in _YEAR_BEFORE
    if _is_day_and_year(run):
        return before in _MONTHS
    if _is_time(run):
        return before in _TIME_BEFORE or after in _TIME_AFTER or _is_price(run, words)
    return _is_price(run, words)


def _is_year(run: Sequence[Number]) -> bool:
    """2026, or twenty twenty six."""
    whole = len(run) == 1 and run[0].written
    halves = len(run) == 2 and all(len(number.digits) == 2 for number in run)
    digits = "".join(number.digits for number in run)
    return (whole or halves) and len(digits) == 4 and digits[:2] in ("19", "20")


def _is_day_and_year(run: Sequence[Number]) -> bool:
    return len(run) > 1 and 1 <= int(run[0].digits) <= 31 and _is_year(run[1:])


def _is_time(run: Sequence[Number]) -> bool:
    """ten thirty, nine oh five, 10 30."""
    hour, minute = run[0].digits, "".join(number.digits for number in run[1:])
    return int(hour) <= 24 and len(hour) <= 2 and len(minute) == 2 and int(minute) < 60


def _is_price(run: Sequence[Number], words: Sequence[Token]) -> bool:
    """thirty nine ninety nine, in a sentence about money."""
    two = len(run) == 2 and all(len(number.digits) == 2 for number in run)
    if not two or any(number.written for number in run):
        return False
    round_up = _word(words, run[0].first - 1) in _PRICE_BEFORE and run[1].digits in _ROUND_UP
    return round_up or any(token.word in _PRICE_WORDS for token in words[: run[0].first])


def _word(words: Sequence[Token], at: int) -> str:
    return words[at].word if 0 <= at < len(words) else ""
