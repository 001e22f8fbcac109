"""Lecture P5: Local minima and saddle points."""

TITLE = "Local minima and saddle points"
