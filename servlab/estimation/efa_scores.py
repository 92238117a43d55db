"""Where does each respondent stand on the factors? And which items should stay?"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_items, check_result
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.core.standards import standard
from servlab.estimation.efa import EfaResult

ScoreMethod = Literal["regression", "bartlett", "tenberge"]

PRIMARY = standard("loading").value  # a loading under it says little about the factor
CROSS = standard("cross_loading").value  # a second of that size shares a tenth of the variance
WEAK_COMMUNALITY = standard("communality").value  # with less an item shares little with any factor


@brief
@dataclass(frozen=True, slots=True, eq=False)
class EfaScores:
    """Factor scores of respondents.

    Attributes
    ----------
    scores : DataFrame
        (rows, m) on the index of the items; missing where an answer is missing.
    weights : DataFrame
        (k, m) weights of the standardized items.
    determinacy : Series
        (m,) correlation of each factor with its scores, in [0, 1].
    method : str
        How they were made.
    n, n_dropped : int
        Rows with and without scores.
    """

    scores: pd.DataFrame
    weights: pd.DataFrame
    determinacy: pd.Series
    method: ScoreMethod
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row an item and factor: the weight."""
        long = self.weights.rename_axis(index="item", columns="factor").reset_index()
        return long.melt(id_vars="item", var_name="factor", value_name="estimate")

    def glance(self) -> pd.DataFrame:
        """Return one row: how many respondents have scores."""
        return pd.DataFrame({"n": [self.n], "n_dropped": [self.n_dropped]})


def efa_scores(
    efa_result: EfaResult, items: pd.DataFrame, *, method: ScoreMethod = "regression"
) -> EfaScores:
    """Return factor scores of respondents.

    Parameters
    ----------
    efa_result : EfaResult
        The factor analysis.
    items : DataFrame
        (rows, k) responses with the analysed items as columns; others are left aside.
    method : {"regression", "bartlett", "tenberge"}
        Closest to the factors; unbiased; or correlated exactly as the factors are.

    Returns
    -------
    EfaScores

    Raises
    ------
    ModelError
        When an analysed item is missing among the columns, or a uniqueness is at its bound
        and method is bartlett.

    Notes
    -----
    With R the correlations, L the pattern, F the factor correlations, U the uniquenesses:
    regression ``R^-1 L F``; Bartlett ``U^-1 L (L'U^-1 L)^-1``; ten Berge
    ``R^-1/2 C F^1/2`` with ``C = R^-1/2 P (P'R^-1 P)^-1/2`` and ``P = L F^1/2``. Items are
    standardized by the analysis' own means and standard deviations. Scores are estimates: many
    different ones fit the same factors when determinacy is low.

    References
    ----------
    thurstone1935; bartlett1937; tenberge1999; grice2001.

    Examples
    --------
    >>> import servlab as sl
    >>> items = sl.load_example("servqual").items("perception")
    >>> scores = efa_scores(sl.efa(items, 5), items)
    >>> list(scores.scores.columns)
    ['F1', 'F2', 'F3', 'F4', 'F5']
    """
    check_choice("method", method, ("regression", "bartlett", "tenberge"))
    values = check_items(items).rename(columns=str)
    names = _check_scorable(efa_result, values, method)
    R, Phi = efa_result.moments.cor, efa_result.factor_cor.to_numpy()
    L = efa_result.loadings.to_numpy()
    weights = score_weights(R, L, Phi, efa_result.uniqueness.to_numpy(), method)
    spread = np.sqrt(np.diag(efa_result.moments.cov))
    if efa_result.moments.kind == "polychoric":  # its cov is the latent one: use the answers'
        spread = values[names].std().to_numpy()
    Z = (values[names].to_numpy() - efa_result.moments.mean) / spread
    factors = efa_result.loadings.columns
    scores = pd.DataFrame(Z @ weights, index=items.index, columns=factors)
    agreement = np.diag(weights.T @ L @ Phi) / np.sqrt(np.diag(weights.T @ R @ weights))
    scored = int(scores.notna().all(axis=1).sum())
    return EfaScores(
        scores=scores,
        weights=pd.DataFrame(weights, index=names, columns=factors),
        determinacy=pd.Series(agreement, index=factors, name="determinacy"),
        method=method,
        n=scored,
        n_dropped=len(scores) - scored,
    )


def _check_scorable(efa_result: EfaResult, values: pd.DataFrame, method: str) -> list[str]:
    """Return the analysed items, or refuse what cannot be scored."""
    names = list(efa_result.loadings.index)
    missing = [name for name in names if name not in values.columns]
    if missing:
        raise ModelError(f"items must hold the analysed columns; {missing} are not there.")
    if method == "bartlett" and efa_result.heywood:
        raise ModelError(
            f"Bartlett's scores divide by the uniqueness of {list(efa_result.heywood)}, which is "
            "at its bound; use method='regression'."
        )
    return names


def score_weights(R: Array, L: Array, Phi: Array, U: Array, method: ScoreMethod) -> Array:
    """Return the (k, m) weights of standardized items that make factor scores."""
    if method == "regression":
        return np.asarray(np.linalg.solve(R, L @ Phi), dtype=np.float64)
    if method == "bartlett":
        scaled = L / U[:, None]
        return np.asarray(np.linalg.solve(L.T @ scaled, scaled.T).T, dtype=np.float64)
    half, back = _root(Phi, 0.5), _root(R, -0.5)
    P = L @ half
    weights: Array = back @ back @ P @ _root(P.T @ np.linalg.solve(R, P), -0.5) @ half
    return weights


def _root(S: Array, power: float) -> Array:
    """Return a symmetric positive definite matrix to a power."""
    values, vectors = np.linalg.eigh(S)
    root: Array = (vectors * values**power) @ vectors.T
    return root


def loading_advice(
    efa_result: EfaResult, *, primary: float = PRIMARY, cross: float = CROSS
) -> pd.DataFrame:
    """Return for each item its factor and the stated rules that speak against it.

    Parameters
    ----------
    efa_result : EfaResult
        A rotated factor analysis.
    primary : float
        A largest loading under it is weak.
    cross : float
        A second loading at or over it is a cross-loading.

    Returns
    -------
    DataFrame
        A row an item: ``factor`` (of the largest loading), ``largest``, ``second`` (absolute
        loadings), ``communality``, ``advice``: a tuple of ``weak_loading``, ``cross_loading``,
        ``weak_communality`` (under .20), ``heywood``.

    Notes
    -----
    Rules of thumb, not tests: dropping items makes what follows exploratory, and what an item
    means counts for more.

    References
    ----------
    stevens1992; tabachnick2013; child2006.

    Examples
    --------
    >>> import servlab as sl
    >>> fit = sl.efa(sl.load_example("servqual").items("perception"), 5)
    >>> sorted(loading_advice(fit).columns)
    ['advice', 'communality', 'factor', 'largest', 'second']
    """
    check_result("efa_result", efa_result, EfaResult, "efa()")
    size = efa_result.loadings.abs()
    ranked = np.sort(size.to_numpy(), axis=1)[:, ::-1]
    second = ranked[:, 1] if ranked.shape[1] > 1 else np.zeros(len(ranked))
    table = pd.DataFrame(
        {
            "factor": size.idxmax(axis=1),
            "largest": ranked[:, 0],
            "second": second,
            "communality": efa_result.communality,
        }
    )
    rules = {
        "weak_loading": table["largest"] < primary,
        "cross_loading": table["second"] >= cross,
        "weak_communality": table["communality"] < WEAK_COMMUNALITY,
        "heywood": pd.Series(table.index.isin(efa_result.heywood), index=table.index),
    }
    table["advice"] = [
        tuple(name for name, holds in rules.items() if holds.loc[item]) for item in table.index
    ]
    return table
