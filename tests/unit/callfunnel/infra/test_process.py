"""What every process of the product is before its first line runs."""

import subprocess
import sys

from callfunnel.infra.process import SWITCH_S

PROCESS = """
import sys
from callfunnel.infra.process import run
async def main():
    return round(sys.getswitchinterval() * 1e6)
print(run(main()))
"""


def test_a_thread_that_computes_hands_back_to_the_loop_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", PROCESS], capture_output=True, check=True)
    assert int(done.stdout) == SWITCH_S * 1e6
