"""One target under atheris, in a process of its own: `python -m tests.fuzz.one TARGET [flags]`.

The flags are libFuzzer's. Coverage is followed in our own modules and in the parsers behind them
that are written in Python, too.
"""

import logging
import shlex
import sys
import warnings

import atheris

from tests.fuzz.target import load

FOLLOWED = ("callfunnel", "workers", "gateway", "jwt", "ruamel.yaml")


def main(name: str, flags: list[str]) -> None:
    """Does not return: libFuzzer ends the process."""
    logging.disable()
    with atheris.instrument_imports(include=FOLLOWED):
        target = load(name)
    warnings.simplefilter("error")
    again = shlex.join([sys.executable, "-m", "tests.fuzz.one", name])
    atheris.Setup([again, *flags], target.check)  # merging, it starts itself again by its name
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
