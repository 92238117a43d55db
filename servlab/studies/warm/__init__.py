"""Kernels forked from one process that has imported the heavy libraries already."""
