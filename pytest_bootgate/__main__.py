"""``python -m pytest_bootgate`` is the ``bootgate`` command."""

import sys

from pytest_bootgate.cli import main

sys.exit(main())
