"""What goes with the low and the high answers, not only with the mean? Quantile regression.

The estimate is a corner of a linear program [koenker2005]_; it is solved as one (HiGHS), since
iterated weighted least squares stops short of the corner.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_conf_level, check_count
from servlab.core.errors import ModelError, ServlabWarning, SmallSampleWarning, SparseDataWarning
from servlab.estimation.regression.collinearity import collinearity, warn_of_pairs
from servlab.estimation.regression.design_checks import Design, build_design, check_design
from servlab.estimation.regression.design_warnings import refuse_weights, warn_of_empty
from servlab.estimation.regression.linear import check_inexact, coefficient_table
from servlab.estimation.regression.quantile_kernels import (
    Array,
    bootstrap_covariances,
    check_loss,
    sandwich,
    solve_quantile,
)

Errors = Literal["nid", "bootstrap"]

COARSE = 10  # distinct answers up to which an outcome has no density to speak of
FEW_AT_END = 10  # rows that a quantile wants beyond it


@brief
@dataclass(frozen=True, slots=True, eq=False)
class QuantileRegression:
    """Linear regressions of several quantiles of an outcome.

    Attributes
    ----------
    outcome : str
        Column left of the tilde.
    quantiles : tuple of float
        In (0, 1), ascending.
    coefficients : DataFrame
        A row a quantile and term: ``quantile``, ``term``, ``estimate``, ``std_error``,
        ``statistic``, ``df``, ``p_value``, ``conf_low``, ``conf_high``.
    fits : DataFrame
        A row a quantile: ``pseudo_r`` (1 - loss / loss without predictors, in [0, 1]), ``loss``,
        ``unique`` (whether no other coefficients do as well), ``n_nil`` (rows whose estimated
        density is not positive, which ``nid`` errors leave out).
    share_crossing : float
        Share of respondents for whom a higher quantile is predicted below a lower one.
    collinear : tuple of tuple of str
        Predictors whose VIF reaches 5 or that correlate .85, each with the one it goes with most.
    vif : Series
        Variance inflation factor of each main effect.
    empty : tuple of str
        Declared categories that no row used has; they are left out.
    errors : str
        ``nid`` or ``bootstrap``.
    n_draws : int
        Draws of the bootstrap; 0 without.
    n_values : int
        Distinct answers of the outcome.
    conf_level : float
    n, n_dropped : int
    """

    outcome: str
    quantiles: tuple[float, ...]
    coefficients: pd.DataFrame
    fits: pd.DataFrame
    share_crossing: float
    collinear: tuple[tuple[str, str], ...]
    vif: pd.Series
    empty: tuple[str, ...]
    errors: str
    n_draws: int
    n_values: int
    conf_level: float
    n: int
    n_dropped: int

    @property
    def flags(self) -> tuple[str, ...]:
        """Return what a reader must be told.

        ``collinear``; ``empty_category``; ``undetermined`` (no errors at some quantile);
        ``crossing``; ``not_unique``; ``few`` (rows at an end); ``coarse`` (an outcome of at most
        ten distinct answers under ``nid`` errors).
        """
        least = min(min(q, 1 - q) for q in self.quantiles) * self.n
        found = {
            "collinear": bool(self.collinear),
            "empty_category": bool(self.empty),
            "undetermined": bool(self.without_errors),
            "crossing": self.share_crossing > 0,
            "not_unique": not self.fits["unique"].all(),
            "few": least < FEW_AT_END,
            "coarse": self.errors == "nid" and self.n_values <= COARSE,
        }
        return tuple(name for name, holds in found.items() if holds)

    @property
    def without_errors(self) -> tuple[float, ...]:
        """Return the quantiles that have no standard errors."""
        gone = self.coefficients["std_error"].isna().groupby(self.coefficients["quantile"]).any()
        return tuple(float(q) for q in gone.index[gone])

    def tidy(self) -> pd.DataFrame:
        """Return a row a quantile and term."""
        return self.coefficients.assign(n=self.n, n_dropped=self.n_dropped)

    def glance(self) -> pd.DataFrame:
        """Return a row a quantile."""
        return self.fits.reset_index(names="quantile").assign(n=self.n, n_dropped=self.n_dropped)


def quantile_regress(
    formula: str,
    data: pd.DataFrame,
    *,
    quantiles: Sequence[float] = (0.1, 0.25, 0.5, 0.75, 0.9),
    errors: Errors = "nid",
    seed: int | None = None,
    n_draws: int = 500,
    weights: str | None = None,
    conf_level: float = 0.95,
) -> QuantileRegression:
    """Fit linear regressions of quantiles of an outcome.

    Parameters
    ----------
    formula : str
        As in ``regress``.
    data : DataFrame
        A row a respondent.
    quantiles : sequence of float
        In (0, 1).
    errors : {"nid", "bootstrap"}
        Sandwich errors from local densities, without equal spread being assumed, or a bootstrap
        of respondents, to be preferred where an outcome has few distinct answers.
    seed : int
        Seed of the bootstrap's draws; needed with ``errors="bootstrap"``.
    n_draws : int
        Draws of the bootstrap.
    weights : str, optional
        Refused: the sandwich and the bootstrap here have no form for probability weights.
    conf_level : float
        Level of the intervals, in (0, 1).

    Returns
    -------
    QuantileRegression

    Raises
    ------
    ModelError
        As ``regress``; for weights; for quantiles outside (0, 1) or given twice; for a bootstrap
        without seed.

    Warns
    -----
    CollinearityWarning, UnweightedWarning
        As in ``regress``.
    SparseDataWarning
        When a category is empty, when a density is not positive for so many rows that ``nid``
        errors do not exist (they are NaN), when other coefficients do as well, predicted quantiles
        cross, or the outcome has at most ten distinct answers and ``nid`` errors.
    SmallSampleWarning
        When fewer than 10 rows lie beyond an outer quantile.

    Notes
    -----
    ``nid`` is Hendricks and Koenker's sandwich: tau (1 - tau) H^-1 X'X H^-1 with
    H = X' diag(f) X, f_i = 2 h / (x_i'(b(tau + h) - b(tau - h)) - eps), not below nought, and
    Hall and Sheather's h [hall1988]_; t has n - p degrees of freedom, as in R's
    ``quantreg::summary.rq``. pseudo_r is Koenker and Machado's R1 [koenker1999]_.

    Examples
    --------
    >>> import numpy as np, pandas as pd, servlab as sl
    >>> rng = np.random.default_rng(1)
    >>> data = pd.DataFrame({"x": rng.normal(size=200)})
    >>> data["y"] = data["x"] + rng.normal(size=200) * (1 + (data["x"] > 0))
    >>> fit = sl.quantile_regress("y ~ x", data, quantiles=(0.25, 0.75))
    >>> fit.coefficients.query("term == 'x'")["estimate"].round(1).tolist()
    [0.8, 1.2]
    """
    check_conf_level(conf_level)
    refuse_weights(weights, "quantile_regress", "its errors have no form for probability weights")
    check_choice("errors", errors, ("nid", "bootstrap"))
    taus = _quantiles(quantiles)
    if errors == "bootstrap" and seed is None:
        raise ModelError("errors='bootstrap' draws respondents; give a seed, as seed=1.")
    check_count("n_draws", n_draws, minimum=20)
    design = build_design(formula, data)
    check_design(design.y, design.X.to_numpy(), design.labels, design.aliased.outcome)
    y, X = design.y.to_numpy(), design.X.to_numpy()
    check_inexact(design)
    solved = [solve_quantile(X, y, tau) for tau in taus]
    covariances = (
        [sandwich(X, y, tau) for tau in taus]
        if errors == "nid"
        else [
            (V, 0) for V in bootstrap_covariances(X, y, taus, n_draws, np.random.default_rng(seed))
        ]
    )
    result = _result(design, taus, solved, covariances, conf_level, errors, n_draws)
    _warn(result)
    return result


def _quantiles(quantiles: Sequence[float]) -> tuple[float, ...]:
    """Return the quantiles ascending, or raise ``ModelError``."""
    values = [quantiles] if isinstance(quantiles, float | int) else list(quantiles)
    if not values or not all(0 < q < 1 for q in values):
        raise ModelError(f"quantiles lie between 0 and 1, as 0.5 does; got {values}.")
    if len(set(values)) < len(values):
        raise ModelError(f"each quantile is given once; got {values}.")
    return tuple(sorted(float(q) for q in values))


def _result(
    design: Design,
    taus: tuple[float, ...],
    solved: Sequence[tuple[Array, bool]],
    covariances: Sequence[tuple[Array, int]],
    conf_level: float,
    errors: str,
    n_draws: int,
) -> QuantileRegression:
    y, X = design.y.to_numpy(), design.X.to_numpy()
    df = len(y) - X.shape[1]
    tables, fits = [], {}
    for tau, (b, unique), (V, nil) in zip(taus, solved, covariances, strict=True):
        table = coefficient_table(b, V, df, design.labels, conf_level).reset_index(names="term")
        tables.append(table.assign(quantile=tau))
        loss = check_loss(y - X @ b, tau)
        # any sample quantile minimizes the loss without predictors
        empty = check_loss(y - np.quantile(y, tau, method="inverted_cdf"), tau)
        row = {"pseudo_r": 1 - loss / empty, "loss": loss, "unique": unique, "n_nil": nil}
        fits[tau] = row
    lines = np.column_stack([X @ b for b, _ in solved])
    tolerance = 1e-9 * np.ptp(y)
    crossing = float((np.diff(lines, axis=1) < -tolerance).any(axis=1).mean())
    coefficients = pd.concat(tables, ignore_index=True)
    overlap = collinearity(design)
    front = ["quantile", "term"]
    return QuantileRegression(
        outcome=design.aliased.outcome,
        quantiles=taus,
        coefficients=coefficients[[*front, *(c for c in coefficients if c not in front)]],
        fits=pd.DataFrame.from_dict(fits, orient="index"),
        share_crossing=crossing,
        collinear=overlap.pairs,
        vif=overlap.by_term["vif"],
        empty=design.empty,
        errors=errors,
        n_draws=n_draws if errors == "bootstrap" else 0,
        n_values=len(np.unique(y)),
        conf_level=conf_level,
        n=len(y),
        n_dropped=design.n_dropped,
    )


def _warn(result: QuantileRegression) -> None:
    """Warn of what the flags of a result say."""
    warn_of_pairs(result.collinear, result.vif, stacklevel=4)
    warn_of_empty(result.empty, stacklevel=4)
    for flag, told in _warnings(result).items():
        if flag in result.flags:
            warnings.warn(told, stacklevel=3)


def _warnings(result: QuantileRegression) -> dict[str, ServlabWarning]:
    """Return the warning of each flag that is this model's own."""
    bare = ", ".join(f"{q:g}" for q in result.without_errors)
    return {
        "undetermined": SparseDataWarning(
            f"no standard errors at quantiles {bare}: the densities there are not positive for a "
            "category or for many rows; join categories, or use errors='bootstrap'.",
            key="quantile_undetermined",
        ),
        "not_unique": SparseDataWarning(
            "other coefficients fit some quantiles as well (groups of even size, answers on few "
            "points): read intervals rather than estimates.",
            key="quantile_not_unique",
        ),
        "coarse": SparseDataWarning(
            f"the outcome has {result.n_values} distinct answers, so that densities say little: "
            "use errors='bootstrap' or ordinal_regress.",
            key="quantile_coarse",
        ),
        "crossing": SparseDataWarning(
            f"predicted quantiles cross for {result.share_crossing:.0%} of the respondents: the "
            "lines are not parallel enough for these data.",
            key="quantile_crossing",
        ),
        "few": SmallSampleWarning(
            f"fewer than {FEW_AT_END} of {result.n} rows lie beyond an outer quantile; use "
            "quantiles nearer to the middle.",
            key="quantile_few",
        ),
    }
