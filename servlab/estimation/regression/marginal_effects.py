"""By how many points of probability? Average marginal effects of ordinal and logistic models.

Odds ratios are hard to read; a marginal effect says how much more likely each answer becomes,
averaged over the respondents as they are (Long and Freese, 2014).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from servlab.core.brief import brief
from servlab.core.checks import check_conf_level
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.estimation.regression.category_models import coded
from servlab.estimation.regression.cumulative_link import Link, cdf, pdf, pdf_slope
from servlab.estimation.regression.design_checks import INTERCEPT, Design, factor_values
from servlab.estimation.regression.logistic import LogisticResult
from servlab.estimation.regression.ordinal import OrdinalResult

SLOPE = "slope"


@brief
@dataclass(frozen=True, slots=True, eq=False)
class MarginalEffects:
    """Average marginal effects with delta-method intervals.

    Attributes
    ----------
    outcome : str
    table : DataFrame
        A row an effect and a category: ``term`` (column), ``contrast`` (``slope``, or ``b - a``),
        ``category`` (value of the outcome), ``estimate`` (change of its probability),
        ``std_error``, ``statistic``, ``df``, ``p_value``, ``conf_low``, ``conf_high``.
    model : str
        ``ordinal`` or ``logistic``.
    n, n_dropped : int
    conf_level : float
    flags : tuple of str
        Those of the fit.
    """

    outcome: str
    table: pd.DataFrame
    model: str
    n: int
    n_dropped: int
    conf_level: float
    flags: tuple[str, ...]

    def tidy(self) -> pd.DataFrame:
        """Return a row an effect and a category."""
        return self.table

    def glance(self) -> pd.DataFrame:
        """Return one row."""
        return pd.DataFrame([{"n": self.n, "n_dropped": self.n_dropped}])


@dataclass(frozen=True, slots=True, eq=False)
class _Contrast:
    """An effect to average: designs (n, p) at the two values, or at x and x + 1 of a slope."""

    term: str
    contrast: str
    first: Array
    second: Array


def marginal_effects(
    fit: OrdinalResult | LogisticResult, *, conf_level: float | None = None
) -> MarginalEffects:
    """Return the average marginal effect of every column of a model.

    Parameters
    ----------
    fit : OrdinalResult or LogisticResult
        From ``ordinal_regress`` or ``logistic_regress``.
    conf_level : float, optional
        Level of the intervals; the fit's by default.

    Returns
    -------
    MarginalEffects
        For every category of an ordinal outcome, for the event of a logistic one.

    Raises
    ------
    ModelError
        When the fit is another kind of result, or has no predictor.

    Notes
    -----
    A number's effect is the mean over rows of dP(Y = j) / dx, per unit of x; a category's, or
    that of a column of 0 and 1, is the mean change of P(Y = j) when every row moves from the
    first level to another, all else as it is. Products move with their columns. Under weights
    the mean is weighted. Errors are of the delta method with analytic gradients and the fit's
    covariance (robust if the fit's is), for the respondents at hand. Effects of one contrast sum
    to zero over the categories.

    References
    ----------
    long2014.

    Examples
    --------
    >>> import pandas as pd, servlab as sl
    >>> data = pd.DataFrame({"y": [1, 2, 1, 3, 2, 3, 3, 2] * 5, "x": [1, 2, 2, 3, 1, 3, 2, 3] * 5})
    >>> effects = sl.marginal_effects(sl.ordinal_regress("y ~ x", data)).table
    >>> effects["category"].tolist(), effects["estimate"].round(2).tolist()
    ([1.0, 2.0, 3.0], [-0.23, -0.05, 0.28])
    """
    if not isinstance(fit, OrdinalResult | LogisticResult):
        raise ModelError(
            "fit must be what ordinal_regress() or logistic_regress() returns; "
            f"got {type(fit).__name__}."
        )
    level = fit.conf_level if conf_level is None else conf_level
    check_conf_level(level)
    theta, b, cov, link, df = _parameters(fit)
    design = fit.design
    values, _ = coded(design)
    w = np.ones(len(design.y)) if design.weights is None else design.weights
    w = w / w.sum()
    ordinal = isinstance(fit, OrdinalResult)
    parts = []
    for contrast in _contrasts(design):
        estimate, gradient = _effect(contrast, theta, b, link, w, _slopes_only(design))
        shown = slice(None) if ordinal else slice(1, None)
        parts.append(
            _rows(contrast, values[shown], estimate[shown], gradient[shown], cov, df, level)
        )
    if not parts:
        raise ModelError("the model has no predictor; there is no marginal effect.")
    return MarginalEffects(
        outcome=fit.outcome,
        table=pd.concat(parts, ignore_index=True),
        model="ordinal" if ordinal else "logistic",
        n=fit.n,
        n_dropped=fit.n_dropped,
        conf_level=level,
        flags=fit.flags,
    )


def _parameters(
    fit: OrdinalResult | LogisticResult,
) -> tuple[Array, Array, Array, Link, float]:
    """Return thresholds, slopes, their covariance, link and df; an intercept is a threshold."""
    estimates = fit.coefficients["estimate"].to_numpy()
    cov = fit.covariance.to_numpy().copy()
    df = float(fit.coefficients["df"].iloc[0]) if len(estimates) else float("inf")
    if isinstance(fit, LogisticResult):
        cov[0, 1:] *= -1
        cov[1:, 0] *= -1
        return -estimates[:1], estimates[1:], cov, "logit", df
    link: Link = "probit" if fit.link == "probit" else "logit"
    return fit.thresholds["estimate"].to_numpy(), estimates, cov, link, df


def _slopes_only(design: Design) -> Array:
    """Return the design matrix without its constant."""
    return design.X.drop(columns=INTERCEPT).to_numpy()


def _moved(design: Design, name: str, to: float | str) -> Array:
    """Return the design matrix, without its constant, had every row ``to`` in a column."""
    columns = []
    for j, parts in enumerate(design.parts):
        if not parts:
            continue
        column = design.X.to_numpy()[:, j]
        if any(variable == name for variable, _ in parts):
            column = np.ones(len(design.rows))
            for variable, level in parts:
                if variable != name:
                    column = column * factor_values(design, variable, level)
                else:
                    column = column * (float(to) if level is None else float(level == to))
        columns.append(column)
    return np.column_stack(columns)


def _contrasts(design: Design) -> list[_Contrast]:
    """Return what is to be averaged, column by column."""
    found = []
    used = {variable for parts in design.parts for variable, _ in parts}
    for name in [name for name in design.aliased.names.values() if name in used]:
        levels: tuple[float | str, ...] = design.levels.get(name, ())
        if not levels:
            values = factor_values(design, name, None)
            if not np.isin(values, (0.0, 1.0)).all():
                # a product holds a column once: one unit more is the derivative, exactly
                ends = _moved(design, name, 0.0), _moved(design, name, 1.0)
                found.append(_Contrast(name, SLOPE, *ends))
                continue
            levels = (0.0, 1.0)
        first = _moved(design, name, levels[0])
        for level in levels[1:]:
            text = f"{_shown(level)} - {_shown(levels[0])}"
            found.append(_Contrast(name, text, first, _moved(design, name, level)))
    return found


def _shown(level: float | str) -> str:
    return level if isinstance(level, str) else f"{level:g}"


def _effect(
    contrast: _Contrast, theta: Array, b: Array, link: Link, w: Array, X: Array
) -> tuple[Array, Array]:
    """Return (J,) average effects and their (J, q) gradient by thresholds and slopes."""
    m = len(theta)
    if contrast.contrast == SLOPE:
        D = contrast.second - contrast.first
        z = theta - (X @ b)[:, None]
        d = D @ b
        edge = -pdf(z, link) * d[:, None]  # the derivative of P(Y <= j)
        bend = -pdf_slope(z, link) * d[:, None]
        by_theta = np.diag(w @ bend)
        by_b = -(w[:, None] * bend).T @ X - (w[:, None] * pdf(z, link)).T @ D
        return _by_category(w @ edge, np.hstack([by_theta, by_b]))
    below, gradient = np.zeros(m), np.zeros((m, m + len(b)))
    for sign, at in ((-1.0, contrast.first), (1.0, contrast.second)):
        z = theta - (at @ b)[:, None]
        f = w[:, None] * pdf(z, link)
        below += sign * (w @ cdf(z, link))
        gradient += sign * np.hstack([np.diag(f.sum(axis=0)), -f.T @ at])
    return _by_category(below, gradient)


def _by_category(below: Array, gradient: Array) -> tuple[Array, Array]:
    """Return effects on P(Y = j) and their gradient from those on P(Y <= j)."""
    edges = np.concatenate([[0.0], below, [0.0]])
    none = np.zeros((1, gradient.shape[1]))
    return np.diff(edges), np.diff(np.vstack([none, gradient, none]), axis=0)


def _rows(
    contrast: _Contrast,
    values: Array,
    estimate: Array,
    gradient: Array,
    cov: Array,
    df: float,
    level: float,
) -> pd.DataFrame:
    """Return a row a category."""
    se = np.sqrt(np.einsum("ij,jk,ik->i", gradient, cov, gradient))
    half = stats.t.ppf((1 + level) / 2, df) * se
    return pd.DataFrame(
        {
            "term": contrast.term,
            "contrast": contrast.contrast,
            "category": values,
            "estimate": estimate,
            "std_error": se,
            "statistic": estimate / se,
            "df": df,
            "p_value": 2 * stats.t.sf(np.abs(estimate / se), df),
            "conf_low": estimate - half,
            "conf_high": estimate + half,
        }
    )
