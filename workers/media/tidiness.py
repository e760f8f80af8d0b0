"""The garbage collector stops every call at once: how that is kept short.

A collection takes as long as the objects it looks at are many. So what is loaded is looked at no
more, young objects are looked at often and therefore in small numbers, and old ones only while no
call is there to wait. A call leaves no cycles behind (`Session` lets go of its parts), so not
looking costs no memory; should something leak all the same, it is collected when that matters more.
"""

import gc
import sys
from typing import Final

from callfunnel.infra.strain import all_loaded

_YOUNG: Final = 1_500
"""Objects made and kept between two looks at the youngest: less than a millisecond's work."""
_MIDDLE: Final = 3
"""Looks at the youngest until one at what those left: up to four times the work."""
_NEVER: Final = 1_000_000_000
_LEAK: Final = 1.5
"""Times the memory blocks after the last full collection: then it is done with calls there, too."""


class Tidiness:
    """Full collections, when they disturb nobody: made once everything is loaded."""

    def __init__(self) -> None:
        all_loaded()
        gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)
        self._after = sys.getallocatedblocks()

    def a_call_is_over(self, live: int) -> None:
        """`live` calls are still there."""
        if not live or sys.getallocatedblocks() > self._after * _LEAK:
            gc.collect()
            self._after = sys.getallocatedblocks()
