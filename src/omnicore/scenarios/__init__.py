"""Where two or more contexts meet, one file per business story.

``quote`` and ``buyer`` come before a ``checkout``; ``bopis`` and ``ship_from_store`` hand goods over, ``boris`` takes
them back, ``pos_sale`` sells over the counter, ``place_order`` takes what a desk has priced, ``order_import`` takes
live orders over and ``history`` past ones.
Import the story you need, ``from omnicore.scenarios import bopis``: each brings in only the contexts that meet in it.
"""
