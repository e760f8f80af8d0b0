"""Word lists as one reads them: words between spaces."""


def listed(text: str) -> list[str]:
    """The words of `text`, in order."""
    return text.split()


def one_of(text: str) -> frozenset[str]:
    """The words of `text`, to be looked up."""
    return frozenset(text.split())
