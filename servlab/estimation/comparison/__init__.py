"""Gaps, groups, branches and waves compared: which differences are real."""
