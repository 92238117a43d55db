"""Which of several nested models do the data prefer? Difference tests."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_choice
from servlab.core.errors import InadmissibleWarning, ModelError
from servlab.core.linalg import Array
from servlab.core.threads import blas_threads
from servlab.estimation.latent.differences import (
    Difference,
    plain_difference,
    satorra_bentler_2001,
    satorra_bentler_2010,
)
from servlab.estimation.latent.fit_indices import FitTest
from servlab.estimation.latent.inference import free_directions, trace_of_fit
from servlab.estimation.latent.optimize import Place
from servlab.estimation.latent.result import LatentFit

Method = Literal["satorra_bentler_2001", "satorra_bentler_2010"]


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ModelComparison:
    """Nested models side by side, each tested against the one before it.

    Attributes
    ----------
    table : DataFrame
        A row a model, fewest degrees of freedom first: ``model``, ``df``, ``chi2`` (unscaled),
        ``aic``, ``bic``, ``chi2_diff``, ``df_diff``, ``p_value``; NaN in the first row.
    method : str
        ``likelihood_ratio``, or the scaled difference test.
    flags : tuple of str
        ``negative_scaling``: a scaled test has no value; ``no_difference``: two models have the
        same degrees of freedom.
    n : int
    """

    table: pd.DataFrame
    method: str
    flags: tuple[str, ...]
    n: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a model."""
        return self.table.copy()


def compare_models(
    fits: Mapping[str, LatentFit] | Sequence[LatentFit],
    *,
    method: Method = "satorra_bentler_2001",
) -> ModelComparison:
    """Test nested models against each other.

    Parameters
    ----------
    fits : mapping of str to LatentFit, or sequence of LatentFit
        Two or more models of the same data, each a special case of the one with fewer degrees
        of freedom.
    method : {"satorra_bentler_2001", "satorra_bentler_2010"}
        Scaled difference test of robust fits. That of 2010 refits nothing but evaluates the
        wider model at the narrower one's estimates, and its scaling cannot be negative.

    Returns
    -------
    ModelComparison

    Raises
    ------
    ModelError
        For fewer than two fits, or fits of other rows, variables or estimators.

    Warns
    -----
    InadmissibleWarning
        When the scaling of 2001 is negative; use the method of 2010 then.

    Notes
    -----
    With chi-squares ``T``, degrees of freedom ``d`` and scaling factors ``c`` of the narrower (0)
    and the wider model (1), ``(T0 - T1) / ((d0 c0 - d1 c1) / (d0 - d1))``
    [satorra2001]_; in [satorra2010]_ ``c1`` is the wider model's at the narrower's estimates.
    Unscaled, it is the likelihood-ratio test. That models are nested is the caller's claim.

    References
    ----------
    satorra2001; satorra2010.

    Examples
    --------
    >>> import servlab as sl
    >>> data = sl.load_example("servqual").items("perception").add_prefix("i")
    >>> wide = sl.cfa("f =~ i1 + i2 + i3 + i4", data, std_lv=True)
    >>> narrow = sl.cfa("f =~ a*i1 + a*i2 + a*i3 + a*i4", data, std_lv=True)
    >>> sl.compare_models({"free": wide, "equal": narrow}).table["df_diff"].tolist()
    [nan, 3.0]
    """
    check_choice("method", method, ("satorra_bentler_2001", "satorra_bentler_2010"))
    named = _named(fits)
    order = sorted(named, key=lambda name: named[name].df)
    _check_same(named)
    rows, flags = [_row(order[0], named[order[0]], None)], []
    robust = "chisq.scaling.factor" in named[order[0]].fit_measures.index
    for wide_name, narrow_name in pairwise(order):
        wide, narrow = named[wide_name], named[narrow_name]
        found = _difference(wide, narrow, method if robust else None)
        if found.df == 0:
            flags.append("no_difference")
        elif np.isnan(found.chi2):
            flags.append("negative_scaling")
            warnings.warn(
                f"The scaled difference test of {narrow_name!r} against {wide_name!r} has a "
                "negative scaling factor and no value; use method='satorra_bentler_2010'.",
                InadmissibleWarning,
                stacklevel=2,
            )
        rows.append(_row(narrow_name, narrow, found))
    table = pd.DataFrame(rows)
    used = method if robust else "likelihood_ratio"
    return ModelComparison(table, used, tuple(dict.fromkeys(flags)), named[order[0]].n)


def _named(fits: Mapping[str, LatentFit] | Sequence[LatentFit]) -> dict[str, LatentFit]:
    """Return the fits by name."""
    if isinstance(fits, LatentFit):
        raise ModelError(
            "a comparison needs at least two fits, as a dict or a list: [wide, narrow]; "
            "got one LatentFit."
        )
    if isinstance(fits, Mapping):
        named = {str(name): fit for name, fit in fits.items()}
    else:
        named = {f"model {k + 1}": fit for k, fit in enumerate(fits)}
    if len(named) < 2:
        raise ModelError(f"a comparison needs at least two fits; got {len(named)}.")
    for name, fit in named.items():
        if not isinstance(fit, LatentFit):
            raise ModelError(f"{name!r} is no fit of cfa() or sem(); got {type(fit).__name__}.")
    return named


def _check_same(named: dict[str, LatentFit]) -> None:
    """Raise ``ModelError`` unless all fits are of the same rows and variables."""
    (first_name, first), *others = named.items()
    for name, fit in others:
        for what, one, other in (
            ("rows", first.n, fit.n),
            ("groups", first.table.group_labels, fit.table.group_labels),
            ("variables", set(first.observed), set(fit.observed)),
            ("estimator", first.estimator, fit.estimator),
            ("treatment of missing answers", first.missing, fit.missing),
        ):
            if one != other:
                raise ModelError(
                    f"{first_name!r} and {name!r} differ in {what} ({one} against {other}); "
                    "models are compared on the same data by the same estimator."
                )


def _row(name: str, fit: LatentFit, found: Difference | None) -> dict[str, object]:
    """Return one row of the table."""
    measures = fit.fit_measures
    return {
        "model": name,
        "df": fit.df,
        "chi2": fit.chi2,
        "aic": measures.get("aic", np.nan),
        "bic": measures.get("bic", np.nan),
        "chi2_diff": np.nan if found is None or found.df == 0 else found.chi2,
        "df_diff": np.nan if found is None else float(found.df),
        "p_value": np.nan if found is None else found.p_value,
    }


def _difference(wide: LatentFit, narrow: LatentFit, method: Method | None) -> Difference:
    """Return the difference test of a narrower model against a wider one."""
    restricted, free = (
        FitTest(fit.chi2, fit.df, float(fit.fit_measures.get("chisq.scaling.factor", np.nan)))
        for fit in (narrow, wide)
    )
    if method is None:
        return plain_difference(restricted, free)
    if method == "satorra_bentler_2001":
        return satorra_bentler_2001(restricted, free)
    at = _scaling_at(wide, narrow) if wide.df > 0 and narrow.df > wide.df else np.nan
    return satorra_bentler_2010(restricted, free, at)


def _scaling_at(wide: LatentFit, narrow: LatentFit) -> float:
    """Return the wider model's scaling factor at the narrower one's estimates."""
    theta = _translated(wide, narrow)
    with blas_threads(len(theta)):
        place = wide.place.problem.at(theta)
        if place is None:
            raise ModelError("the narrower model's estimates have no value in the wider one.")
        return _factor(wide, place, theta)


def _factor(fit: LatentFit, place: Place, theta: Array) -> float:
    """Return a robust fit's scaling factor at other estimates."""
    K = free_directions(fit.restrictions, theta)
    return (
        trace_of_fit(
            fit.setup, place, K, fit.estimator, fit.information == "observed", fit.observed
        )
        / fit.df
    )


def _translated(wide: LatentFit, narrow: LatentFit) -> Array:
    """Return the narrower model's estimates as values of the wider one's parameters."""
    values = {
        key: float(value) for key, value in zip(_terms(narrow), narrow.estimates, strict=True)
    }
    theta = np.zeros(wide.table.n_free)
    for row, key in enumerate(_terms(wide)):
        number = wide.table.free[row]
        if number:
            theta[number - 1] = values.get(key, 0.0)  # a path the narrower model leaves out is 0
    return theta


def _terms(fit: LatentFit) -> list[tuple[str, str, str, int]]:
    """Return the term of every row; both orders of a covariance are one."""
    table = fit.table
    found = []
    for lhs, op, rhs, group in zip(table.lhs, table.op, table.rhs, table.group, strict=True):
        one, other = sorted((lhs, rhs)) if op == "~~" else (lhs, rhs)
        found.append((one, op, other, int(group)))
    return found
