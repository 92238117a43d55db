"""Which items of a battery tell respondents apart, dimension by dimension? (项目分析)."""

from dataclasses import dataclass

import pandas as pd

from servlab.core.brief import brief
from servlab.core.errors import ModelError
from servlab.data.instrument import Instrument
from servlab.data.survey import Survey
from servlab.estimation.item_analysis import ItemAnalysis, item_analysis
from servlab.scales.scoring import OVERALL_ITEMS


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ScaleItemAnalysis:
    """The item analysis of each dimension of a battery.

    Attributes
    ----------
    instrument : Instrument
    battery : str
    by_item : DataFrame
        A row an item: ``dimension`` (the scale whose sum it was held against; ``overall_items``
        for items outside the dimensions or of one-item dimensions), the columns of
        ``ItemAnalysis.by_item``, ``alpha`` of that scale.
    by_scale : dict of str to ItemAnalysis
        The analyses by dimension code and ``overall_items``.
    left_out : dict of str to str
        Scales without an analysis, and why.
    n, n_dropped : int
        Respondents who answered every item of the battery, and the others.
    """

    instrument: Instrument
    battery: str
    by_item: pd.DataFrame
    by_scale: dict[str, ItemAnalysis]
    left_out: dict[str, str]
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row an item."""
        numbers = self.by_item.drop(columns=["advice", "alpha"])
        return numbers.rename_axis("item").reset_index().assign(battery=self.battery)

    def glance(self) -> pd.DataFrame:
        """Return one row a scale: alpha and the rows it rests on."""
        rows = [part.glance().assign(dimension=code) for code, part in self.by_scale.items()]
        return pd.concat(rows, ignore_index=True)


def scale_item_analysis(survey: Survey, battery: str) -> ScaleItemAnalysis:
    """Analyse the items of a battery, each against the sum of its own dimension.

    Parameters
    ----------
    survey : Survey
        Its weights are not used: the critical ratio has no weighted form.
    battery : str
        The battery.

    Returns
    -------
    ScaleItemAnalysis

    Raises
    ------
    ModelError
        When no scale of the battery can be analysed.

    Notes
    -----
    Each analysis uses the respondents who answered all items of its scale. An item outside the
    dimensions, or alone in one, is held against the sum of the whole battery.

    References
    ----------
    wu2010; kelley1939.

    Examples
    --------
    >>> import servlab as sl
    >>> analysis = sl.scale_item_analysis(sl.load_example("servqual"), "perception")
    >>> analysis.by_item.loc["1", "dimension"]
    'tangibles'
    """
    items = survey.items(battery)
    instrument = survey.instrument
    scales = {c: list(instrument.items_of(c)) for c in instrument.dimension_codes}
    scales = {code: columns for code, columns in scales.items() if len(columns) > 1}
    scales[OVERALL_ITEMS] = list(items.columns)
    found, left_out = {}, {}
    for code, columns in scales.items():
        try:
            found[code] = item_analysis(items[columns])
        except ModelError as err:
            left_out[code] = str(err)
    if not found:
        raise ModelError(f"no item of {battery!r} can be analysed: {next(iter(left_out.values()))}")
    complete = int(items.notna().all(axis=1).sum())
    return ScaleItemAnalysis(
        instrument=instrument,
        battery=battery,
        by_item=_by_item(found, [str(code) for code in items.columns]),
        by_scale=found,
        left_out=left_out,
        n=complete,
        n_dropped=survey.n - complete,
    )


def _by_item(found: dict[str, ItemAnalysis], codes: list[str]) -> pd.DataFrame:
    """Return each item's row from its own scale, in the order of the questionnaire."""
    rows = {}
    for scale, analysis in found.items():  # the whole battery is last: only what is not there yet
        for code, row in analysis.by_item.iterrows():
            if str(code) not in rows:
                rows[str(code)] = pd.concat(
                    [pd.Series({"dimension": scale}), row, pd.Series({"alpha": analysis.alpha})]
                )
    table = pd.DataFrame.from_dict(rows, orient="index")
    numbers = table.columns.difference(["dimension", "advice"])
    table[numbers] = table[numbers].astype(float)
    return table.loc[[code for code in codes if code in table.index]]
