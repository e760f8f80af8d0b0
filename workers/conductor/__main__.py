"""Runs features of this deployable in one process: those named, or all."""

import sys

from callfunnel.infra.service import main

if __name__ == "__main__":
    sys.exit(main(["workers.conductor"], sys.argv[1:]))
