"""Lecture P6: Batch and momentum."""

TITLE = "Batch and momentum"
