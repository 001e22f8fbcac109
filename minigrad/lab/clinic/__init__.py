"""The doctor's clinic: networks with one planted illness each, healthy ones, and what it says."""

TITLE = "The doctor's clinic"
