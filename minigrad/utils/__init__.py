"""What a training loop needs beside the model: `data`, data sets and batches."""

from minigrad.utils import data

__all__ = ["data"]
