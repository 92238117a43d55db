"""How consistent is each dimension of a battery? Coefficient alpha, dimension by dimension."""

from dataclasses import dataclass

import pandas as pd

from servlab.core.brief import brief
from servlab.core.errors import ModelError
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.estimation.reliability import cronbach_alpha
from servlab.scales.scoring import OVERALL_ITEMS

COLUMNS = ("n_items", "estimate", "conf_low", "conf_high", "n", "n_dropped")


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ScaleReliability:
    """Coefficient alpha of each dimension of one battery, and of all its items.

    Attributes
    ----------
    battery : str
    by_term : DataFrame
        A row a dimension of at least two items and ``overall_items``: ``n_items``,
        ``estimate``, ``conf_low``, ``conf_high`` (Feldt), ``n``, ``n_dropped``.
    left_out : dict of str to str
        Dimensions without a coefficient, and why.
    conf_level : float
    n, n_dropped : int
        Rows behind the coefficient of all items.
    """

    instrument: Instrument
    battery: str
    by_term: pd.DataFrame
    left_out: dict[str, str]
    conf_level: float
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a dimension."""
        return self.by_term.reset_index(names="term").assign(battery=self.battery)

    def glance(self) -> pd.DataFrame:
        """Return one row: all items."""
        row = self.by_term.loc[[OVERALL_ITEMS]] if OVERALL_ITEMS in self.by_term.index else None
        empty = pd.DataFrame(columns=list(COLUMNS))
        return empty if row is None else row.reset_index(drop=True)


def scale_reliability(
    survey: Survey, battery: str, *, conf_level: float = 0.95
) -> ScaleReliability:
    """Compute coefficient alpha for every dimension of a battery and for all its items.

    Parameters
    ----------
    survey : Survey
        Its weights are used.
    battery : str
        The battery.
    conf_level : float
        Level of Feldt's intervals, in (0, 1).

    Returns
    -------
    ScaleReliability

    Notes
    -----
    Each coefficient uses the rows complete in its own items. A dimension of one item has none; one
    whose items do not vary, or that too few answered, is named in ``left_out`` with the reason.

    Examples
    --------
    >>> import servlab as sl
    >>> result = sl.scale_reliability(sl.load_example("servqual"), "perception")
    >>> bool((result.by_term.estimate > 0.7).all())
    True
    """
    items = survey.items(battery)
    groups = {c: list(survey.instrument.items_of(c)) for c in survey.instrument.dimension_codes}
    groups[OVERALL_ITEMS] = list(items.columns)
    rows, left_out = {}, {}
    for code, columns in groups.items():
        try:
            alpha = cronbach_alpha(items[columns], conf_level=conf_level, weights=survey.weights)
        except ModelError as err:
            left_out[code] = str(err)
            continue
        values = (alpha.estimate, alpha.conf_low, alpha.conf_high, alpha.n, alpha.n_dropped)
        rows[code] = dict(zip(COLUMNS, (len(columns), *values), strict=True))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS))
    whole = rows.get(OVERALL_ITEMS, {"n": 0, "n_dropped": survey.n})
    return ScaleReliability(
        instrument=survey.instrument,
        battery=battery,
        by_term=table,
        left_out=left_out,
        conf_level=conf_level,
        n=int(whole["n"]),
        n_dropped=int(whole["n_dropped"]),
    )
