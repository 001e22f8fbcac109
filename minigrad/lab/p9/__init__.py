"""Lecture P9: Batch normalisation."""

TITLE = "Batch normalisation"
