"""The result of a latent variable model: everything that was estimated, tested and flagged."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from servlab.core.brief import brief
from servlab.core.checks import check_conf_level
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.estimation.latent.compile import Restrictions, evaluator
from servlab.estimation.latent.engine import Setup
from servlab.estimation.latent.optimize import Place
from servlab.estimation.latent.partable import ParameterTable
from servlab.estimation.latent.standardize import standardized_rows


@brief
@dataclass(frozen=True, slots=True, eq=False)
class LatentFit:
    """A fitted confirmatory factor analysis or structural equation model.

    Attributes
    ----------
    table : ParameterTable
        The model, a row a parameter.
    estimator, missing, likelihood : str
        As asked for.
    information : str
        Which information the standard errors rest on, expected or observed.
    std_errors : str
        ``standard``, ``robust.sem`` (MLM), ``robust.huber.white`` (MLR) or ``robust.cluster``.
    estimates : (r,) array
        Value of each row of the table, fixed ones included.
    errors : (r,) array
        Standard error of each row; 0 where it is fixed.
    vcov : DataFrame
        (q, q) sampling covariances of the free parameters.
    chi2, df, p_value : float
        Test of exact fit. The p value is NaN under ULS, whose chi-square has no known
        distribution, and without degrees of freedom.
    fit_measures : Series
        Every fit measure, under lavaan's name.
    flags : tuple of str
        What a reader must be told; see ``cfa``.
    n, n_dropped : int
        Rows used, and rows lost.
    group_sizes : Series
        Rows of each group.
    iterations : int
        Steps of the optimiser.
    place, setup, restrictions
        The estimates with what derives from them, the data side, and what binds parameters:
        for functions that take a fit.
    """

    table: ParameterTable
    estimator: str
    missing: str
    likelihood: str
    information: str
    std_errors: str
    estimates: Array
    errors: Array
    vcov: pd.DataFrame
    chi2: float
    df: int
    p_value: float
    fit_measures: pd.Series
    flags: tuple[str, ...]
    n: int
    n_dropped: int
    group_sizes: pd.Series
    iterations: int
    place: Place
    setup: Setup
    restrictions: Restrictions

    @property
    def n_groups(self) -> int:
        """Return the number of groups."""
        return self.table.n_groups

    @property
    def observed(self) -> tuple[str, ...]:
        """Return the observed variables, in the model's order."""
        return self.table.observed

    @property
    def latent(self) -> tuple[str, ...]:
        """Return the latent variables."""
        return self.table.latent

    @property
    def theta(self) -> Array:
        """Return the (q,) free parameters."""
        return self.place.theta

    def tidy(self, *, conf_level: float = 0.95) -> pd.DataFrame:
        """Return a row a parameter, with those defined by ``:=`` at the end.

        Columns ``lhs, op, rhs, label, group, estimate, std_error, statistic, p_value, conf_low,
        conf_high, std_lv, std_all``; statistic and p value are missing where a value is fixed.
        """
        check_conf_level(conf_level)
        table = self.table
        defined, defined_errors = defined_parameters(self)
        estimate = np.concatenate([self.estimates, defined])
        error = np.concatenate([self.errors, defined_errors])
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(error > 0, estimate / error, np.nan)
        reach = special.ndtri((1 + conf_level) / 2)
        names = [d.name for d in table.definitions]
        blank = [""] * len(names)
        labels = [*(table.group_labels[g - 1] for g in table.group), *blank]
        std = {kind: standardized_rows(self, kind)[0] for kind in ("lv", "all")}
        return pd.DataFrame(
            {
                "lhs": [*table.lhs, *names],
                "op": [*table.op, *[":="] * len(names)],
                "rhs": [*table.rhs, *(d.expression.text for d in table.definitions)],
                "label": [*table.label, *names],
                "group": labels,
                "estimate": estimate,
                "std_error": error,
                "statistic": z,
                "p_value": 2 * special.ndtr(-np.abs(z)),
                "conf_low": estimate - reach * error,
                "conf_high": estimate + reach * error,
                "std_lv": std["lv"],
                "std_all": std["all"],
            }
        )

    def glance(self) -> pd.DataFrame:
        """Return one row for the fit, with ``_scaled`` and ``_robust`` forms if any."""
        row: dict[str, object] = {
            "estimator": self.estimator,
            "n": self.n,
            "n_dropped": self.n_dropped,
        }
        known = self.fit_measures
        row |= {column: known[name] for column, name in GLANCE.items() if name in known.index}
        return pd.DataFrame([row])

    def implied_cov(self, group: str | None = None) -> pd.DataFrame:
        """Return the (p, p) covariances that the model implies in a group."""
        at = self.place.implied[self.group_number(group)]
        return pd.DataFrame(at.sigma, list(self.observed), list(self.observed))

    def implied_mean(self, group: str | None = None) -> pd.Series:
        """Return the (p,) means that the model implies in a group; the sample's without means."""
        number = self.group_number(group)
        mean = self.setup.samples[number].mean
        if self.table.meanstructure:
            mean = self.place.implied[number].mu
        return pd.Series(mean, list(self.observed))

    def sample_cov(self, group: str | None = None) -> pd.DataFrame:
        """Return the (p, p) covariances of the sample; under FIML the saturated model's.

        Denominator n for normal likelihood, n - 1 for least squares and the Wishart likelihood.
        """
        cov = self.setup.samples[self.group_number(group)].cov
        return pd.DataFrame(cov, list(self.observed), list(self.observed))

    def sample_mean(self, group: str | None = None) -> pd.Series:
        """Return the (p,) means of the sample; under FIML the saturated model's."""
        return pd.Series(self.setup.samples[self.group_number(group)].mean, list(self.observed))

    def r_squared(self, group: str | None = None) -> pd.Series:
        """Return the share of variance that the model explains of each dependent variable.

        NaN where a residual variance is negative.
        """
        at = self.place.implied[self.group_number(group)]
        table = self.table
        moved = {rhs for op, rhs in zip(table.op, table.rhs, strict=True) if op == "=~"}
        moved |= {lhs for op, lhs in zip(table.op, table.lhs, strict=True) if op == "~"}
        names = [name for name in at.paths.names if name in moved]
        where = [at.paths.names.index(name) for name in names]
        left, whole = np.diag(at.S)[where], np.diag(at.V)[where]
        share = np.where(left < 0, np.nan, 1 - left / whole)
        return pd.Series(share, names, name="r_squared")

    def group_number(self, group: str | None) -> int:
        """Return the position of a group by its label; the only one without a label."""
        labels = self.table.group_labels
        if group is None and len(labels) == 1:
            return 0
        if group not in labels:
            raise ModelError(f"group must be one of {', '.join(map(repr, labels))}; got {group!r}.")
        return labels.index(group)


# Columns of glance() and the measures they show, where the fit has them.
GLANCE = {
    "chi2": "chisq", "df": "df", "p_value": "pvalue", "cfi": "cfi", "tli": "tli",
    "rmsea": "rmsea", "rmsea_low": "rmsea.ci.lower", "rmsea_high": "rmsea.ci.upper",
    "srmr": "srmr", "loglik": "logl", "aic": "aic", "bic": "bic",
    "chi2_scaled": "chisq.scaled", "df_scaled": "df.scaled", "p_value_scaled": "pvalue.scaled",
    "cfi_scaled": "cfi.scaled", "tli_scaled": "tli.scaled", "rmsea_scaled": "rmsea.scaled",
    "rmsea_low_scaled": "rmsea.ci.lower.scaled", "rmsea_high_scaled": "rmsea.ci.upper.scaled",
    "cfi_robust": "cfi.robust", "tli_robust": "tli.robust", "rmsea_robust": "rmsea.robust",
    "rmsea_low_robust": "rmsea.ci.lower.robust", "rmsea_high_robust": "rmsea.ci.upper.robust",
}  # fmt: skip


def row_values(table: ParameterTable, place: Place) -> Array:
    """Return the value of every row of a table (r,)."""
    values = np.where(table.free > 0, 0.0, table.ustart)
    free = table.free > 0
    values[free] = place.theta[table.free[free] - 1]
    names = (*table.observed, *table.latent)
    where = {name: at for at, name in enumerate(names)}
    for row in np.flatnonzero(table.exo & ~free):
        at = place.implied[table.group[row] - 1]
        if table.op[row] == "~1":
            values[row] = at.paths.a[where[table.lhs[row]]]
        else:
            values[row] = at.paths.S[where[table.lhs[row]], where[table.rhs[row]]]
    return np.asarray(values)


def row_errors(table: ParameterTable, vcov: Array) -> Array:
    """Return the standard error of every row of a table (r,); 0 where it is fixed."""
    errors = np.zeros(len(table.lhs))
    free = table.free > 0
    errors[free] = np.sqrt(np.maximum(np.diag(vcov), 0))[table.free[free] - 1]
    return errors


def defined_parameters(fit: LatentFit) -> tuple[Array, Array]:
    """Return values and delta-method standard errors of the parameters defined by ``:=``."""
    values, errors = [], []
    vcov = fit.vcov.to_numpy()
    for definition in fit.table.definitions:
        value, slope = evaluator(fit.table, definition.expression)(fit.theta)
        values.append(value)
        errors.append(float(np.sqrt(max(slope @ vcov @ slope, 0.0))))
    return np.array(values), np.array(errors)
