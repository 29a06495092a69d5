"""``python -m reactface_node.cli`` is the command ``reactface``."""

import sys

from reactface_node.cli.main import main

# The guard: child processes that are started by "spawn" import this module again.
if __name__ == "__main__":
    sys.exit(main())
