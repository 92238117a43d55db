"""Regression models of outcomes: linear, ordinal, logistic, multilevel, and their checks."""
