"""``python -m omnicore.testing`` shows that the kits can fail: every sabotaged database, and whether it is caught."""

import sys

from omnicore.testing.sabotage import sabotage_report

sys.exit(1 if sabotage_report(sys.stdout) else 0)
