"""How large are the effects in standard deviations? Standardized solutions with their errors.

Every standardized value is the estimate times powers of standard deviations, so its
derivative follows from those of the variances; standard errors are by the delta method.
"""

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from scipy import special

from servlab.core.checks import check_choice, check_conf_level
from servlab.core.linalg import Array
from servlab.estimation.latent.partable import ParameterTable
from servlab.estimation.latent.ram import Implied, variance_jacobian

if TYPE_CHECKING:
    from servlab.estimation.latent.result import LatentFit

Standard = Literal["lv", "all", "nox"]


def standardized_solution(
    fit: "LatentFit", *, kind: Standard = "all", conf_level: float = 0.95
) -> pd.DataFrame:
    """Return standardized parameters with standard errors.

    Parameters
    ----------
    fit : LatentFit
    kind : {"all", "lv", "nox"}
        Standardize observed and latent variables, latent ones only, or all but observed
        covariates.
    conf_level : float
        Level of the interval, in (0, 1).

    Returns
    -------
    DataFrame
        A row a parameter: ``lhs, op, rhs, label, group, estimate, std_error, statistic, p_value,
        conf_low, conf_high``; estimate is the standardized one.

    Notes
    -----
    A covariance of two residuals becomes their correlation (divided by the residual standard
    deviations). Intervals are estimate -+ z standard errors. Standardized fixed loadings have
    standard errors too, since the variances are estimated.

    References
    ----------
    bollen1989.

    Examples
    --------
    >>> import servlab as sl
    >>> data = sl.load_example("servqual").items("perception")
    >>> fit = sl.cfa("tangibles =~ i1 + i2 + i3 + i4", data.add_prefix("i"))
    >>> sl.standardized_solution(fit).shape
    (9, 11)
    """
    check_choice("kind", kind, ("all", "lv", "nox"))
    check_conf_level(conf_level)
    values, slopes = standardized_rows(fit, kind)
    variances = ((slopes @ fit.vcov.to_numpy()) * slopes).sum(axis=1)
    error = np.sqrt(np.maximum(variances, 0.0))
    error[error < 1e-10] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(error > 0, values / error, np.nan)
    reach = special.ndtri((1 + conf_level) / 2)
    table = fit.table
    names = [d.name for d in table.definitions]
    return pd.DataFrame(
        {
            "lhs": [*table.lhs, *names],
            "op": [*table.op, *[":="] * len(names)],
            "rhs": [*table.rhs, *(d.expression.text for d in table.definitions)],
            "label": [*table.label, *names],
            "group": [*(table.group_labels[g - 1] for g in table.group), *[""] * len(names)],
            "estimate": values,
            "std_error": error,
            "statistic": z,
            "p_value": 2 * special.ndtr(-np.abs(z)),
            "conf_low": values - reach * error,
            "conf_high": values + reach * error,
        }
    )


def standardized_rows(fit: "LatentFit", kind: Standard) -> tuple[Array, Array]:
    """Return (rows + definitions,) standardized values and their (., q) derivatives."""
    table = fit.table
    q = table.n_free
    values, slopes = np.zeros(len(table.lhs)), np.zeros((len(table.lhs), q))
    for group, at in enumerate(fit.place.implied):
        rows = np.flatnonzero(table.group == group + 1)
        values[rows], slopes[rows] = _group_rows(table, fit.estimates, rows, at, kind, q)
    extra, extra_slopes = [], []
    for definition in table.definitions:
        known = _by_label(table, values)
        gradient = definition.expression.gradient(known)
        slope = np.zeros(q)
        for name, derivative in gradient.items():
            slope += derivative * slopes[_row_of(table, name)]
        extra.append(float(definition.expression.value(known)))
        extra_slopes.append(slope)
    if extra:
        values = np.concatenate([values, extra])
        slopes = np.concatenate([slopes, np.array(extra_slopes)])
    return values, slopes


def standardized_values(
    table: ParameterTable, values: Array, implied: list[Implied], kind: Standard
) -> Array:
    """Return any values of a table's rows, standardized by the implied variances."""
    out = np.zeros(len(table.lhs))
    for group, at in enumerate(implied):
        rows = np.flatnonzero(table.group == group + 1)
        out[rows] = values[rows] * _factors(table, rows, at, kind)[0]
    return out


def _row_of(table: ParameterTable, name: str) -> int:
    """Return the first row that carries a label or plabel."""
    return table.rows_of(name)[0]


def _by_label(table: ParameterTable, values: Array) -> dict[str, float]:
    """Return the value of each label and plabel."""
    known: dict[str, float] = {}
    for row, names in enumerate(zip(table.label, table.plabel, strict=True)):
        for name in names:
            if name:
                known.setdefault(name, float(values[row]))
    return known


def _group_rows(
    table: ParameterTable, estimates: Array, rows: np.ndarray, at: Implied, kind: Standard, q: int
) -> tuple[Array, Array]:
    """Return one group's standardized values and derivatives."""
    t = len(at.paths.names)
    factor, power, residual = _factors(table, rows, at, kind)
    V, inner = np.diag(at.V), np.diag(at.S)
    by_var = np.zeros((t, q))
    by_var[:, at.paths.par] = variance_jacobian(at) / np.where(V > 0, 2 * V, 1.0)[:, None]
    by_residual = np.zeros((t, q))
    covs = at.paths.covs
    own = covs.row == covs.col
    at_risk = inner[covs.row[own]]
    by_residual[covs.row[own], covs.par[own]] = 0.5 / np.where(at_risk != 0, at_risk, 1.0)
    values = estimates[rows] * factor
    slopes = values[:, None] * (power @ by_var + residual @ by_residual)
    free = np.flatnonzero(table.free[rows])
    slopes[free, table.free[rows[free]] - 1] += factor[free]
    return values, slopes


def _factors(
    table: ParameterTable, rows: np.ndarray, at: Implied, kind: Standard
) -> tuple[Array, Array, Array]:
    """Return what each row is multiplied by, as powers of standard deviations too.

    The powers (rows, t) of the variables' own standard deviations, and of their residual ones.
    """
    t = len(at.paths.names)
    where = {name: i for i, name in enumerate(at.paths.names)}
    scaled = _scaled(table, at, kind)
    power, residual = np.zeros((len(rows), t)), np.zeros((len(rows), t))
    V, inner = np.diag(at.V), np.diag(at.S)
    for k, row in enumerate(rows):
        lhs, rhs = where[table.lhs[row]], where.get(table.rhs[row], -1)
        op = table.op[row]
        if op == "=~":
            power[k, lhs] += scaled[lhs]
            power[k, rhs] -= scaled[rhs]
        elif op == "~":
            power[k, rhs] += scaled[rhs]
            power[k, lhs] -= scaled[lhs]
        elif op == "~1":
            power[k, lhs] -= scaled[lhs]
        elif lhs == rhs:
            power[k, lhs] -= 2 * scaled[lhs]
        else:
            for one in (lhs, rhs):
                residual[k, one] -= scaled[one] and inner[one] != 0
    log_sd = 0.5 * np.log(np.where(V > 0, V, 1.0))
    log_inner = 0.5 * np.log(np.where(inner != 0, np.abs(inner), 1.0))
    return np.exp(power @ log_sd + residual @ log_inner), power, residual


def _scaled(table: ParameterTable, at: Implied, kind: Standard) -> np.ndarray:
    """Return whether each variable is standardized (t,)."""
    names, p = at.paths.names, at.paths.p
    out = np.ones(len(names), dtype=bool)
    if kind == "lv":
        out[:p] = False
    if kind == "nox":
        exogenous = covariates(table)
        out[[i for i, name in enumerate(names) if name in exogenous]] = False
    return out


def covariates(table: ParameterTable) -> set[str]:
    """Return the observed variables that only predict, and whose moments nobody wrote down.

    One whose variance, covariance or mean is in the text is part of the model, as in lavaan.
    """
    rows = [r for r in range(len(table.lhs)) if table.user[r] and table.op[r] in ("~~", "~1")]
    written = {name for r in rows for name in (table.lhs[r], table.rhs[r])}
    moved = written | {table.rhs[r] for r in range(len(table.lhs)) if table.op[r] == "=~"}
    moved |= {table.lhs[r] for r in range(len(table.lhs)) if table.op[r] == "~"}
    used = {table.rhs[r] for r in range(len(table.lhs)) if table.op[r] == "~"}
    return {name for name in table.observed if name in used and name not in moved}
