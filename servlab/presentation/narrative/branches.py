"""Branches in sentences: may their means be used, who can be told apart, who lies outside."""

from collections.abc import Sequence

import pandas as pd

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.agreement import BranchAgreement
from servlab.estimation.comparison.funnel import Funnel
from servlab.estimation.comparison.league import FEW, LeagueTable
from servlab.presentation.display import Prose
from servlab.presentation.formats import (
    format_correlation,
    format_count,
    format_number,
    format_range,
    format_share,
)
from servlab.presentation.labels import conf_text, listed, names_in_sentence, plain, term_label
from servlab.presentation.messages import join_sentences, message
from servlab.presentation.narrative.dispatch import narrate
from servlab.scales.scoring import OVERALL_ITEMS

Branched = BranchAgreement | LeagueTable | Funnel
PAIRS_NAMED = 6


@narrate.register
def narrate_agreement(
    result: BranchAgreement, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say on which dimensions branch means may be used, and why not on others."""
    rows = verdict_rows(result)
    sentences = []
    for verdict in ("yes", "care", "no"):
        part = rows[rows["usable"] == verdict]
        if part.empty:
            continue
        names = names_in_sentence(part["term"].tolist(), result.instrument, language)
        values = {"names": names}
        if verdict == "no":
            told = dict.fromkeys(reason for text in part["reasons"] for reason in text.split(", "))
            against = [r for r in told if r not in ("small_icc1", "low_icc2")]
            words = [message(f"branches.reason_{reason}", language) for reason in against]
            values["reasons"] = listed(words, language)
        sentences.append(message(f"branches.agreement_{verdict}", language, **values))
    sentences += _most(rows, result, language)
    notes = [*left_out(result, language, survey)]
    notes += [message("branches.unweighted", language)] if result.unweighted else []
    return Prose([join_sentences(part, language) for part in (sentences, notes) if part])


@narrate.register
def narrate_league(
    result: LeagueTable, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say the ends of the league with their possible ranks, and how many pairs can be told."""
    first = [message("branches.league_boundary", language)] if result.boundary else []
    if not result.boundary:
        first.append(_ends(result, language, survey))
    first += pair_sentences(result, language, survey)
    second = list(left_out(result, language, survey))
    if result.n_groups < FEW:
        second.append(message("branches.league_few", language, count=result.n_groups))
    return Prose([join_sentences(part, language) for part in (first, second) if part])


@narrate.register
def narrate_funnel(
    result: Funnel, *, language: Language = "en", survey: Survey | None = None
) -> Prose:
    """Say who lies outside the limits, and what the limits allow for."""
    inner, outer = (conf_text(level) for level in result.levels)
    facts = result.glance().iloc[0]
    if facts["n_outside"] == 0:
        first = [
            message("branches.funnel_all_inside", language, count=result.n_groups, level=inner)
        ]
    else:
        counts = {name: format_count(facts[f"n_{name}"]) for name in ("outside", "far_outside")}
        values = {"outside": counts["outside"], "far": counts["far_outside"]}
        levels = {"level": inner, "outer": outer}
        first = [
            message("branches.funnel_outside", language, count=result.n_groups, **values, **levels)
        ]
        first += _outside(result, language, survey)
    second = [
        dispersion_sentence(result, language),
        *_chance_alone(result, language, survey),
        *left_out(result, language, survey),
    ]
    return Prose([join_sentences(part, language) for part in (first, second)])


def _chance_alone(result: Funnel, language: Language, survey: Survey | None) -> list[str]:
    """Name the branches that only the allowance keeps inside: one far off widens its limits."""
    inside = result.by_group.loc[result.by_group["place"] == "inside", "group"].astype(str)
    kept = [group for group in result.beyond_chance if group in set(inside)]
    if result.dispersion == "none" or not kept:
        return []
    names = [branch_label(group, result, language, survey) for group in kept]
    level = conf_text(result.levels[0])
    values = {"names": listed(names, language), "level": level}
    return [message("branches.funnel_chance_alone", language, **values)]


def verdict_rows(result: BranchAgreement) -> pd.DataFrame:
    """Return the rows of dimensions and overall; those of items where there are no dimensions."""
    rows = result.by_term
    if not (rows["level"] == "dimension").any():
        return rows
    return rows[rows["level"] != "item"]


def branch_label(group: object, result: Branched, language: Language, survey: Survey | None) -> str:
    """Return a branch's label as the codebook has it."""
    if survey is None or not result.by:
        return plain(str(group))
    return plain(survey.value_label(result.by, group, language))


def by_label(result: Branched, language: Language, survey: Survey | None) -> str:
    """Return the label of the covariate that forms the branches."""
    return plain(result.by if survey is None else survey.label(result.by, language))


def what_label(result: LeagueTable | Funnel, language: Language, survey: Survey | None) -> str:
    """Return what branches are compared on: a score and its term, or an outcome."""
    if isinstance(result, Funnel) and result.measure == "proportion":
        return message("branches.proportion", language)
    if result.score in ("gap", "perception", "expectation"):
        score = message(f"terms.score_{result.score}", language)
        term = plain(term_label(result.term, result.instrument, language))
        what = message("branches.what", language, score=score, term=term)
    else:
        what = plain(result.score if survey is None else survey.label(result.score, language))
    if isinstance(result, Funnel) and result.measure == "top_box":
        points = format_number(result.at_least, 0 if result.at_least.is_integer() else 1)
        return message("branches.top_box", language, points=points, what=what)
    return what


def rank_text(row: pd.Series, language: Language) -> str:
    """Return a rank with its limits; the limits alone where no rank is given."""
    low, high = format_count(row["rank_low"]), format_count(row["rank_high"])
    if pd.isna(row["rank"]):
        return message("branches.rank_open", language, low=low, high=high)
    rank = format_count(row["rank"])
    return message("branches.rank", language, rank=rank, low=low, high=high)


def pair_sentences(result: LeagueTable, language: Language, survey: Survey | None) -> list[str]:
    """Return how many pairs can be told apart, with the pairs where they are few."""
    noise = format_share(result.noise)
    if not result.n_apart:
        return [message("branches.league_pairs_none", language, noise=noise)]
    apart = format_count(result.n_apart)
    total = len(result.pairs)
    found = [message("branches.league_pairs", language, count=total, apart=apart, noise=noise)]
    if result.n_apart <= PAIRS_NAMED:
        pairs = []
        for _, row in result.pairs[result.pairs["apart"]].iterrows():
            ends = [row["group"], row["against"]]
            better, worse = ends if row["difference"] > 0 else ends[::-1]
            names = [branch_label(name, result, language, survey) for name in (better, worse)]
            pairs.append(message("branches.pair", language, better=names[0], worse=names[1]))
        found.append(message("branches.league_named", language, pairs=listed(pairs, language)))
    return found


def left_out(result: Branched, language: Language, survey: Survey | None) -> list[str]:
    """Return the sentence on branches that do not enter; none without them."""
    if not result.suppressed:
        return []
    names = [branch_label(g, result, language, survey) for g in result.suppressed]
    return [
        message(
            "branches.suppressed",
            language,
            count=len(names),
            names=listed(names, language),
            min_cell=str(result.min_cell),
        )
    ]


def value_text(value: float, result: LeagueTable | Funnel) -> str:
    """Return a mean or a proportion in its own form."""
    if isinstance(result, Funnel) and result.measure != "mean":
        return format_share(value, 1)
    return format_number(value, sign=result.score == "gap")


def dispersion_sentence(result: Funnel, language: Language) -> str:
    """Return what the limits allow for."""
    phi = format_number(result.phi)
    if result.dispersion == "none":
        return message("branches.funnel_none", language, phi=phi)
    if result.dispersion == "additive" and result.tau2 > 0:
        sd = result.tau2**0.5
        text = format_number(sd) if result.measure == "mean" else format_share(sd, 1)
        chance = format_number(1 - 1 / result.n_groups)  # the target is estimated from them
        return message("branches.funnel_additive", language, phi=phi, chance=chance, sd=text)
    if result.dispersion == "multiplicative" and result.phi > 1:
        return message("branches.funnel_multiplicative", language, phi=phi)
    return message("branches.funnel_no_overdispersion", language, phi=phi)


def outside_names(
    result: Funnel, side: str, language: Language, survey: Survey | None
) -> list[str]:
    """Return the labels of branches outside on one side, the furthest first."""
    rows = result.by_group[result.by_group["place"].str.endswith(side)]
    ordered = rows.iloc[rows["z"].abs().argsort(kind="stable")[::-1]]
    return [branch_label(g, result, language, survey) for g in ordered["group"]]


def _outside(result: Funnel, language: Language, survey: Survey | None) -> list[str]:
    found = []
    for side, key in (("high", "over"), ("low", "under")):
        names: Sequence[str] = outside_names(result, side, language, survey)
        if names:
            words = listed(names, language)
            found.append(message(f"branches.funnel_{key}", language, names=words))
    return found


def _ends(result: LeagueTable, language: Language, survey: Survey | None) -> str:
    """Return the branches at both ends with their possible ranks."""
    first, last = result.by_group.iloc[0], result.by_group.iloc[-1]
    return message(
        "branches.league_first",
        language,
        first=branch_label(first["group"], result, language, survey),
        mean=value_text(first["estimate"], result),
        ranks=_ranks(first),
        last=branch_label(last["group"], result, language, survey),
        last_mean=value_text(last["estimate"], result),
        last_ranks=_ranks(last),
    )


def _ranks(row: pd.Series) -> str:
    """Return the ranks that the data allow."""
    return (
        format_range(row["rank_low"], row["rank_high"], 0)
        if (row["rank_low"] < row["rank_high"])
        else format_count(row["rank_low"])
    )


def _most(rows: pd.DataFrame, result: BranchAgreement, language: Language) -> list[str]:
    """Return the dimensions on which branches differ most and least; none with fewer than two."""
    there = rows[rows["term"] != OVERALL_ITEMS].dropna(subset=["icc1"]).set_index("term")["icc1"]
    if len(there) < 2:
        return []
    most, least = there.idxmax(), there.idxmin()
    return [
        message(
            "branches.agreement_most",
            language,
            name=names_in_sentence([most], result.instrument, language),
            icc=format_correlation(float(there.max()), 3),
            least=names_in_sentence([least], result.instrument, language),
            least_icc=format_correlation(float(there.min()), 3),
        )
    ]
