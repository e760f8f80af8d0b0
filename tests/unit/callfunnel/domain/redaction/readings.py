"""Card numbers, and the ways in which people read them aloud."""

from hypothesis import strategies as st

from callfunnel.domain.redaction.wordlist import listed

UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TEENS = dict(
    zip(
        range(10, 20),
        listed("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"),
        strict=True,
    )
)
TENS = dict(
    zip(
        range(20, 100, 10),
        listed("twenty thirty forty fifty sixty seventy eighty ninety"),
        strict=True,
    )
)


def pair_in_words(pair: str) -> str:
    value = int(pair)
    if pair[0] == "0":
        return f"oh {UNITS[int(pair[1])]}"
    if value in TEENS:
        return TEENS[value]
    rest = value % 10
    return TENS[value - rest] + (f" {UNITS[rest]}" if rest else "")


@st.composite
def cards(draw: st.DrawFn) -> str:
    body = draw(st.sampled_from("3456")) + draw(st.text("0123456789", min_size=11, max_size=17))
    total = sum(
        int(digit) if n % 2 else sum(divmod(2 * int(digit), 10))
        for n, digit in enumerate(reversed(body))
    )
    return body + str(-total % 10)


@st.composite
def read_aloud(draw: st.DrawFn, digits: str) -> str:
    """The digits as a person may read them: singly, in pairs, doubled, written, with pauses."""
    words, at = [], 0
    while at < len(digits):
        rest = digits[at:]
        ways = ["single", "written"]
        if len(rest) > 1:
            ways += ["pair", "double"] if rest[0] == rest[1] else ["pair"]
        way = draw(st.sampled_from(ways))
        taken = 1 if way == "single" else 2 if way in ("pair", "double") else min(4, len(rest))
        piece = rest[:taken]
        words.append(
            {
                "single": lambda p=piece: UNITS[int(p)],
                "pair": lambda p=piece: pair_in_words(p),
                "double": lambda p=piece: f"double {UNITS[int(p[0])]}",
                "written": lambda p=piece: p,
            }[way]()
        )
        words.append(draw(st.sampled_from([" ", ", ", " - ", " uh ", ". "])))
        at += taken
    return "".join(words[:-1])
