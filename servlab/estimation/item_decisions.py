"""Which items stay? Every rule that speaks against an item, and what they come to together.

A proposal under stated rules. What an item means, and whether the dimension still covers its
content without it, is for people to say; dropping items makes what follows exploratory.
"""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from servlab.core.brief import brief
from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.estimation.adequacy import KmoResult
from servlab.estimation.efa import EfaResult
from servlab.estimation.efa_scores import loading_advice
from servlab.estimation.factor_dimensions import factor_dimensions
from servlab.estimation.scale_item_analysis import ScaleItemAnalysis
from servlab.scales.scoring import OVERALL_ITEMS

Decision = Literal["keep", "look", "drop"]

ITEM_RULES = ("weak_item_rest", "weak_critical_ratio")
FACTOR_RULES = ("weak_loading", "weak_communality")
OTHER_RULES = ("cross_loading", "other_factor", "raises_alpha", "low_adequacy", "heywood")
RULES = (*ITEM_RULES, *FACTOR_RULES, *OTHER_RULES, "few_items")
FEWEST = int(standard("items_per_factor").value)
ALPHA_GAIN = 0.005  # alpha must rise by more to be seen in two decimals


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ItemDecisions:
    """Keep, look at or drop: a proposal for each item with its reasons.

    Attributes
    ----------
    instrument : Instrument
    battery : str
    by_item : DataFrame
        A row an item: ``dimension``, ``item_rest``, ``critical_ratio``, ``alpha_if_dropped``,
        ``factor`` (of the largest loading), ``largest``, ``second`` (absolute loadings),
        ``communality``, ``msa_kaiser``, ``reasons`` (tuple of rules), ``decision``.
    n, n_dropped : int
        Of the factor analysis.
    """

    instrument: Instrument
    battery: str
    by_item: pd.DataFrame
    n: int
    n_dropped: int

    def named(self, decision: Decision) -> tuple[str, ...]:
        """Return the items of one decision."""
        return tuple(map(str, self.by_item.index[self.by_item["decision"] == decision]))

    def tidy(self) -> pd.DataFrame:
        """Return a row an item."""
        names = {"largest": "loading_largest", "second": "loading_second"}
        frame = self.by_item.drop(columns="reasons").rename(columns=names)
        return frame.rename_axis("item").reset_index().assign(battery=self.battery)

    def glance(self) -> pd.DataFrame:
        """Return a row a decision: how many items."""
        decisions: tuple[Decision, ...] = ("keep", "look", "drop")
        rows = [{"term": name, "n_items": len(self.named(name))} for name in decisions]
        return pd.DataFrame(rows).assign(n=self.n, n_dropped=self.n_dropped)


def item_decisions(
    analysis: ScaleItemAnalysis, fit: EfaResult, *, adequacy: KmoResult | None = None
) -> ItemDecisions:
    """Propose for each item to keep it, to look at it or to drop it.

    Parameters
    ----------
    analysis : ScaleItemAnalysis
        The item analysis of a battery.
    fit : EfaResult
        A rotated factor analysis of the same battery.
    adequacy : KmoResult, optional
        Sampling adequacy by item.

    Returns
    -------
    ItemDecisions

    Notes
    -----
    Rules of the item analysis: ``weak_item_rest`` (under .30), ``weak_critical_ratio`` (under 3.00
    or p at least .05). Of the factor analysis: ``weak_loading`` (largest under .40),
    ``weak_communality`` (under .20). Others: ``cross_loading`` (second loading .32 or more),
    ``other_factor`` (loads most where its dimension does not), ``raises_alpha`` (alpha rises by
    .005 or more without it), ``low_adequacy`` (KMO under .60), ``heywood``.

    **drop** needs both a rule of the item analysis and one of the factor analysis; an item that
    any rule names is to be looked at; the others are kept. Where dropping would leave a dimension
    fewer than three items, its items are to be looked at instead (``few_items``).

    References
    ----------
    nunnally1994; wu2010; stevens1992; child2006; tabachnick2013; costello2005.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> analysis = sl.scale_item_analysis(survey, "perception")
    >>> decisions = item_decisions(analysis, sl.efa(survey.items("perception"), 5))
    >>> decisions.named("drop")
    ()
    """
    advice = loading_advice(fit, primary=standard("loading").value)
    table = analysis.by_item[["dimension", "item_rest", "critical_ratio", "alpha_if_dropped"]]
    table = table.join(advice[["factor", "largest", "second", "communality"]], how="inner")
    measured = {} if adequacy is None else adequacy.by_item.to_dict()
    table["msa_kaiser"] = [float(measured.get(code, float("nan"))) for code in table.index]
    away = _away(fit, analysis.instrument)
    reasons = {
        str(code): (
            *_item_rules(analysis.by_item.loc[code]),
            *advice.loc[code, "advice"],
            *(("other_factor",) if code in away else ()),
            *(("low_adequacy",) if table.loc[code, "msa_kaiser"] < standard("kmo").value else ()),
        )
        for code in table.index
    }
    decided = {code: decide(named) for code, named in reasons.items()}
    _spare(table["dimension"], reasons, decided)
    table["reasons"] = [tuple(r for r in RULES if r in reasons[str(c)]) for c in table.index]
    table["decision"] = [decided[str(code)] for code in table.index]
    return ItemDecisions(analysis.instrument, analysis.battery, table, fit.n, fit.n_dropped)


def decide(reasons: tuple[str, ...]) -> Decision:
    """Return what the rules that speak against an item come to.

    Examples
    --------
    >>> decide(()), decide(("cross_loading",)), decide(("weak_item_rest", "weak_loading"))
    ('keep', 'look', 'drop')
    """
    if set(reasons) & set(ITEM_RULES) and set(reasons) & set(FACTOR_RULES):
        return "drop"
    return "look" if reasons else "keep"


def _item_rules(row: pd.Series) -> tuple[str, ...]:
    """Return the rules of the item analysis; a rise of alpha only where two decimals show it."""
    rises = row["alpha_if_dropped"] - row["alpha"] >= ALPHA_GAIN
    return tuple(rule for rule in row["advice"] if rule != "raises_alpha" or rises)


def _away(fit: EfaResult, instrument: Instrument) -> tuple[str, ...]:
    """Return the items that load where their dimension does not; none without dimensions."""
    known = {item.code for item in instrument.items if item.dimension is not None}
    if fit.n_factors == 1 or not known & set(fit.loadings.index):
        return ()
    return factor_dimensions(fit, instrument).away


def _spare(
    dimension: pd.Series, reasons: dict[str, tuple[str, ...]], decided: dict[str, Decision]
) -> None:
    """Turn "drop" into "look" where a dimension would be left with too few items."""
    for code in dimension.unique():
        items = [str(item) for item in dimension.index[dimension == code]]
        dropped = [item for item in items if decided[item] == "drop"]
        if code != OVERALL_ITEMS and dropped and len(items) - len(dropped) < FEWEST:
            for item in dropped:
                decided[item] = "look"
                reasons[item] = (*reasons[item], "few_items")
