"""The report: static pages that need nothing else, made of the saved measurements.

``index.html`` has one row a claim; ``NAME.html`` is the page of one experiment. `write` makes
them all, and draws again only what has changed.
"""

from minigrad.lab.report.experiment_page import numbers_table
from minigrad.lab.report.html import BADGES
from minigrad.lab.report.pages import write

__all__ = ["BADGES", "numbers_table", "write"]
