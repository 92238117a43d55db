"""Do predictors say the same thing? Generalized variance inflation, and who goes with whom.

A categorical predictor is one term of several columns, whose separate inflation factors would
depend on the category chosen as reference; its generalized factor does not [fox1992]_.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.brief import brief
from servlab.core.errors import CollinearityWarning
from servlab.core.standards import standard
from servlab.estimation.regression.design_checks import Design

Array = NDArray[np.float64]


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Collinearity:
    """How much the predictors of a design overlap.

    Attributes
    ----------
    by_term : DataFrame
        A row a main effect: ``gvif`` (generalized variance inflation factor), ``df`` (its
        columns), ``vif`` (gvif^(1 / df): comparable over terms, the plain factor of a number).
    pairs : tuple of (str, str)
        Each term whose ``vif`` reaches 5 or that correlates .85 with another, with the term it
        goes with most.
    condition_number : float
        Of the design matrix with columns scaled to unit length.
    """

    by_term: pd.DataFrame
    pairs: tuple[tuple[str, str], ...]
    condition_number: float


def collinearity(design: Design) -> Collinearity:
    """Measure how much the main effects of a design overlap, under its weights."""
    w = design.weights
    X = design.X.to_numpy()
    weighted = X if w is None else X * np.sqrt(w)[:, None]
    scaled = weighted / np.linalg.norm(weighted, axis=0)
    columns = _blocks(design)
    R = _correlations(X, [j for block in columns.values() for j in block], w)
    places = _renumber(columns)
    rows = {name: _inflation(R, places[name]) for name in columns}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["gvif", "df"], dtype=float)
    table["vif"] = table["gvif"] ** (1 / table["df"])
    pairs = _close_pairs(R, places, table["vif"])
    return Collinearity(table, pairs, float(np.linalg.cond(scaled)))


def warn_of_pairs(
    pairs: tuple[tuple[str, str], ...], vif: pd.Series, *, stacklevel: int = 3
) -> None:
    """Warn of predictors that are nearly collinear, by name; silent where there are none."""
    if not pairs:
        return
    words = "; ".join(f"{a!r} with {b!r} (VIF {vif[a]:.1f})" for a, b in pairs)
    warnings.warn(
        CollinearityWarning(
            f"predictors are nearly collinear: {words}. Their coefficients cannot be told "
            "apart; read their intervals, or combine or drop one.",
            key="collinear",
            values={"items": "; ".join(f"{a}, {b}" for a, b in pairs)},
        ),
        stacklevel=stacklevel,
    )


def _blocks(design: Design) -> dict[str, list[int]]:
    """Return the columns of each main effect."""
    found: dict[str, list[int]] = {}
    for j, parts in enumerate(design.parts):
        if len(parts) == 1:
            found.setdefault(parts[0][0], []).append(j)
    return found


def _renumber(columns: dict[str, list[int]]) -> dict[str, list[int]]:
    """Return where each block's columns stand in the matrix of the main effects alone."""
    places: dict[str, list[int]] = {}
    start = 0
    for name, block in columns.items():
        places[name] = list(range(start, start + len(block)))
        start += len(block)
    return places


def _correlations(X: Array, columns: Sequence[int], w: Array | None) -> Array:
    if not columns:
        return np.empty((0, 0))
    cov = np.atleast_2d(np.cov(X[:, columns], rowvar=False, aweights=w))
    scale = np.sqrt(np.diag(cov))
    return np.asarray(cov / np.outer(scale, scale))


def _inflation(R: Array, block: list[int]) -> tuple[float, int]:
    """Return det(R11) det(R22) / det(R) of a block, and its columns."""
    rest = [j for j in range(len(R)) if j not in block]
    logs = [np.linalg.slogdet(R[np.ix_(part, part)])[1] for part in (block, rest)]
    return float(np.exp(sum(logs) - np.linalg.slogdet(R)[1])), len(block)


def _close_pairs(
    R: Array, places: dict[str, list[int]], vif: pd.Series
) -> tuple[tuple[str, str], ...]:
    """Return the terms that overlap too much, each with its closest other term, each pair once."""
    pairs: list[tuple[str, str]] = []
    for name, own in places.items():
        others = {o: _canonical(R, own, place) for o, place in places.items() if o != name}
        if not others:
            continue
        partner = max(others, key=lambda other: others[other])
        much = vif[name] >= standard("vif").value
        much |= others[partner] >= standard("predictor_cor").value
        if much and (partner, name) not in pairs:
            pairs.append((name, partner))
    return tuple(pairs)


def _canonical(R: Array, one: list[int], other: list[int]) -> float:
    """Return the largest canonical correlation of two blocks; |r| of two single columns."""
    A, B = (np.linalg.cholesky(R[np.ix_(part, part)]) for part in (one, other))
    half = np.linalg.solve(A, R[np.ix_(one, other)])
    whole = np.linalg.solve(B, half.T)
    return float(np.linalg.svd(whole, compute_uv=False)[0])
