"""Convolution, pooling, padding."""

CASES = []
