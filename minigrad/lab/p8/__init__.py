"""Lecture P8: Loss."""

TITLE = "Loss"
