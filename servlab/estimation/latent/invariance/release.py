"""Which equality breaks invariance? Score tests of setting one term free in every group."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from servlab.estimation.latent.compile import compile_restrictions
from servlab.estimation.latent.inference import free_directions
from servlab.estimation.latent.partable import ParameterTable
from servlab.estimation.latent.result import LatentFit


@dataclass(frozen=True, slots=True)
class Bound:
    """One parameter of the one-group or one-battery model, equal over groups or batteries.

    Attributes
    ----------
    term : str
        As in ``"f=~x1"``, ``"x1~1"``, ``"x1~~x1"``.
    lhs, op, rhs : str
        Its parts.
    factors : tuple of str
        Factors that the item belongs to.
    rows : tuple of int
        Its rows in the table, one a group or battery.
    """

    term: str
    lhs: str
    op: str
    rhs: str
    factors: tuple[str, ...]
    rows: tuple[int, ...]


def released(table: ParameterTable, rows: Iterable[int]) -> ParameterTable:
    """Return the table without the equalities between the rows given."""
    own = {table.plabel[row] for row in rows}
    kept = tuple(pair for pair in table.equalities if not {*pair} <= own)
    return replace(table, equalities=kept)


def release_tests(fit: LatentFit, bound: Iterable[Bound]) -> pd.DataFrame:
    """Test for each bound term that it may not differ over groups or batteries.

    Parameters
    ----------
    fit : LatentFit
        A fit under the equalities.
    bound : iterable of Bound
        Terms whose equalities to test, one at a time.

    Returns
    -------
    DataFrame
        ``term, lhs, op, rhs, statistic, df, p_value``, the largest statistic first.

    Notes
    -----
    ``g' K (K' I K)^-1 K' g`` with the gradient ``g`` of the log-likelihood at the restricted
    estimates, the expected information ``I`` and the directions ``K`` that the other
    restrictions leave: a score (Lagrange multiplier) test, chi-square with as many degrees of
    freedom as equalities are set free. It is lavaan's ``lavTestScore`` where one is.
    """
    gradient, information = fit.place.gradient(), fit.place.expected()
    held = free_directions(fit.restrictions, fit.theta).shape[1]
    rows = []
    for part in bound:
        restrictions = compile_restrictions(released(fit.table, part.rows))
        K = free_directions(restrictions, fit.theta)
        slope = K.T @ gradient
        statistic = fit.setup.scale * float(
            slope @ np.linalg.lstsq(K.T @ information @ K, slope, rcond=None)[0]
        )
        df = K.shape[1] - held
        p = float(stats.chi2.sf(statistic, df)) if df else np.nan
        rows.append((part.term, part.lhs, part.op, part.rhs, statistic, df, p))
    columns = ["term", "lhs", "op", "rhs", "statistic", "df", "p_value"]
    found = pd.DataFrame(rows, columns=columns)
    return found.sort_values("statistic", ascending=False, kind="stable", ignore_index=True)
