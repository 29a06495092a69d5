"""``python -m reactface_node.cli``, as the command ``reactface``."""

import sys

from reactface_node.cli.main import main

sys.exit(main())
