"""Lecture P7: Adaptive learning rate."""

TITLE = "Adaptive learning rate"
