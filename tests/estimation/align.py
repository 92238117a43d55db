"""Bring another program's factors into our order and direction."""

import numpy as np
from scipy.optimize import linear_sum_assignment


def aligned(ours, theirs):
    """Return their loadings in our order and direction, and that order with its signs."""
    products = ours.T @ theirs
    _, order = linear_sum_assignment(-np.abs(products))
    signs = np.sign(products[np.arange(len(order)), order])
    return theirs[:, order] * signs, order, signs
