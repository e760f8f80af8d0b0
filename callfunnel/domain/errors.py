"""The failures that cross a boundary, and what each one asks of whoever meets it.

`Temporary` and `Permanent` are the two kinds the bus knows; `UserError` is a person's mistake and
carries what to do about it. Vendor exceptions are turned into one of these at their adapter.
"""


class Temporary(Exception):
    """Worth another try: a dependency is down, slow or full. `delay`: the first wait, seconds."""

    def __init__(self, reason: str, delay: float = 0.5) -> None:
        super().__init__(reason)
        self.reason = reason
        self.delay = delay


class Permanent(Exception):
    """No try will help: the message goes to DEAD with this reason, where an operator can see it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UserError(Exception):
    """A person asked for something that cannot be done; `fix` says what they can do instead."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(f"{what}; {fix}" if fix else what)
        self.what = what
        self.fix = fix


class InvalidToken(ValueError):
    """A tenant or id that may not become part of a subject, a key or a row."""
