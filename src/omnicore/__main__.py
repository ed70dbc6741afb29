"""``python -m omnicore`` is the command line."""

import sys

from omnicore.cli import main

sys.exit(main())
