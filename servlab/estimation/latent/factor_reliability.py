"""How reliable is the sum of a factor's items? Omega from the fitted model."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_result
from servlab.core.errors import ModelError
from servlab.estimation.latent.result import LatentFit


@brief
@dataclass(frozen=True, slots=True, eq=False)
class FactorReliability:
    """Omega of every factor that items measure.

    Attributes
    ----------
    by_factor : DataFrame
        A row a factor and group: ``factor, group, n_items, reliability`` (omega with the
        model's variance of the sum) and ``reliability_observed`` (with the sample's).
    n, n_dropped : int
        Rows used and lost.
    """

    by_factor: pd.DataFrame
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a factor."""
        return self.by_factor.assign(n=self.n, n_dropped=self.n_dropped)


def factor_reliability(fit: LatentFit) -> FactorReliability:
    """Return the reliability of the sum of each factor's items.

    Parameters
    ----------
    fit : LatentFit
        Of a model in which items measure factors.

    Returns
    -------
    FactorReliability

    Raises
    ------
    ModelError
        When no item measures a factor.

    Notes
    -----
    ``omega = (sum of loadings)^2 var(factor) / var(sum)``, the share of the sum's variance that
    the factor explains; ``var(sum)`` is the model's (with residual covariances and what other
    factors add), or the sample's. Factors of factors have no sum of items and are left out.

    References
    ----------
    mcdonald1999.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> found = sl.factor_reliability(sl.cfa(survey.instrument, survey)).by_factor
    >>> bool((found["reliability"] > 0.7).all())
    True
    """
    check_result("fit", fit, LatentFit, "cfa() or sem()")
    table = fit.table
    where = {name: k for k, name in enumerate((*table.observed, *table.latent))}
    rows = []
    for number, label in enumerate(table.group_labels):
        at, sample = fit.place.implied[number], fit.setup.samples[number]
        for factor in table.latent:
            own = [
                (where[table.rhs[r]], float(fit.estimates[r]))
                for r in range(len(table.lhs))
                if table.op[r] == "=~" and table.lhs[r] == factor
                if table.group[r] == number + 1 and table.rhs[r] in table.observed
            ]
            if not own:
                continue
            items = np.ix_([k for k, _ in own], [k for k, _ in own])
            explained = sum(value for _, value in own) ** 2 * at.V[where[factor], where[factor]]
            rows.append(
                {
                    "factor": factor,
                    "group": label,
                    "n_items": len(own),
                    "reliability": float(explained / at.sigma[items].sum()),
                    "reliability_observed": float(explained / sample.cov[items].sum()),
                }
            )
    if not rows:
        raise ModelError("the model has no factor that items measure; add one, as f =~ x1 + x2.")
    return FactorReliability(pd.DataFrame(rows), fit.n, fit.n_dropped)
