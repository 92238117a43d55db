"""Do the factors that were found follow the dimensions of the questionnaire?"""

from dataclasses import dataclass

import pandas as pd

from servlab.core.brief import brief
from servlab.core.errors import ModelError
from servlab.data.instrument import Instrument
from servlab.estimation.efa import EfaResult


@brief
@dataclass(frozen=True, slots=True, eq=False)
class FactorDimensions:
    """Where the items of each dimension load.

    Attributes
    ----------
    instrument : Instrument
    counts : DataFrame
        (dimensions, factors) items of a dimension whose largest loading is on a factor.
    home : Series
        The factor with most of a dimension's items, by dimension.
    away : tuple of str
        Items whose largest loading is on another factor than their dimension's.
    outside : dict of str to str
        Items without a dimension, with the factor of their largest loading.
    merged : dict of str to tuple of str
        Factors that are home to several dimensions.
    share_in_place : float
        Share of the items of the dimensions that load where most of their dimension does.
    n, n_dropped : int
        Of the factor analysis.
    """

    instrument: Instrument
    counts: pd.DataFrame
    home: pd.Series
    away: tuple[str, ...]
    outside: dict[str, str]
    merged: dict[str, tuple[str, ...]]
    share_in_place: float
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a dimension and factor: the number of items."""
        long = self.counts.rename_axis(index="dimension", columns="factor").reset_index()
        return long.melt(id_vars="dimension", var_name="factor", value_name="n_items")

    def glance(self) -> pd.DataFrame:
        """Return one row: the share of items in place."""
        row = {"term": "share_in_place", "estimate": self.share_in_place}
        return pd.DataFrame([row | {"n": self.n, "n_dropped": self.n_dropped}])


def factor_dimensions(fit: EfaResult, instrument: Instrument) -> FactorDimensions:
    """Hold the factors of an analysis against the dimensions of its questionnaire.

    Parameters
    ----------
    fit : EfaResult
        A rotated factor analysis of items of the instrument.
    instrument : Instrument
        With dimensions.

    Returns
    -------
    FactorDimensions

    Raises
    ------
    ModelError
        When no analysed item belongs to a dimension.

    Notes
    -----
    A dimension's home is the factor with most of its items; of several such factors the one with
    the larger sum of their squared loadings. With fewer factors than dimensions some share a home.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> found = factor_dimensions(sl.efa(survey.items("perception"), 5), survey.instrument)
    >>> found.share_in_place
    1.0
    """
    dimension = pd.Series({i.code: i.dimension for i in instrument.items}, dtype=object)
    strongest = fit.loadings.abs().idxmax(axis=1)
    own = dimension.reindex(strongest.index)
    known = own.dropna()
    if known.empty:
        raise ModelError("no analysed item belongs to a dimension of the instrument.")
    codes = [code for code in instrument.dimension_codes if (known == code).any()]
    counts, home = _homes(fit.loadings, strongest, known, codes)
    away = tuple(str(c) for c in known.index if strongest[c] != home[known[c]])
    tenants = {f: tuple(d for d in codes if home[d] == f) for f in fit.loadings.columns}
    return FactorDimensions(
        instrument=instrument,
        counts=counts,
        home=home,
        away=away,
        outside={str(c): str(strongest[c]) for c in strongest.index if c not in known.index},
        merged={str(f): dims for f, dims in tenants.items() if len(dims) > 1},
        share_in_place=1 - len(away) / len(known),
        n=fit.n,
        n_dropped=fit.n_dropped,
    )


def _homes(
    loadings: pd.DataFrame, strongest: pd.Series, known: pd.Series, codes: list[str]
) -> tuple[pd.DataFrame, pd.Series]:
    """Return how many items of each dimension go to each factor, and the dimensions' homes."""
    counts, home = {}, {}
    for code in codes:
        items = known.index[known == code]
        counts[code] = strongest[items].value_counts().reindex(loadings.columns, fill_value=0)
        weight = (loadings.loc[items] ** 2).sum()
        home[code] = max(loadings.columns, key=lambda f: (counts[code][f], weight[f]))
    return pd.DataFrame(counts).T, pd.Series(home, name="factor", dtype=object)
