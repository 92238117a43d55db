"""Tables of branches: agreement within them, the league table, the limits of a funnel."""

from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.comparison.agreement import BranchAgreement
from servlab.estimation.comparison.funnel import Funnel
from servlab.estimation.comparison.league import FEW, LeagueTable
from servlab.presentation.formats import format_count, format_number, format_share
from servlab.presentation.labels import conf_text, dropped_note, listed, rows_notes, term_label
from servlab.presentation.messages import message
from servlab.presentation.narrative.branches import (
    branch_label,
    by_label,
    dispersion_sentence,
    left_out,
    pair_sentences,
    rank_text,
    value_text,
    verdict_rows,
    what_label,
)
from servlab.presentation.result_tables.build import heading, sentences, with_interval
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.standards import standard_note, threshold
from servlab.presentation.tables import Mark, Table

MOST_ROWS = 40  # of a funnel's table; with more branches only those outside are listed


@table.register
def agreement_table(
    result: BranchAgreement, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show agreement and both ICC of each dimension, with the verdict on branch means."""
    rows = with_interval(verdict_rows(result))
    rows = with_interval(rows, "rwg_low", "rwg_high", "rwg_range")
    usable = [message(f"branches.usable_{v}", language) for v in rows["usable"]]
    marks: list[Mark] = [
        {"yes": "good", "care": "", "no": "bad"}[v]  # type: ignore[misc]  # three marks
        for v in rows["usable"]
    ]
    level = conf_text(result.conf_level)
    rows = rows.assign(usable=usable).set_axis(
        [term_label(t, result.instrument, language) for t in rows["term"]]
    )
    clipped = int(verdict_rows(result)["n_clipped"].sum())
    return Table(
        rows,
        caption=message(
            "branches.agreement_caption", language, by=by_label(result, language, survey)
        ),
        headings={
            "rwg_median": message("branches.col_rwg", language),
            "rwg_range": message("branches.col_rwg_range", language),
            "icc1": message("branches.col_icc1", language),
            "interval": heading("interval", language, level=level),
            "icc2": message("branches.col_icc2", language),
            "p_value": heading("p_value", language),
            "usable": message("branches.col_usable", language),
        },
        formats={"rwg_median": "correlation", "rwg_range": "interval_correlation"}
        | {"icc1": "correlation3", "interval": "interval_correlation3", "icc2": "correlation"}
        | {"p_value": "p", "usable": "text"},
        row_header=heading("dimension", language),
        notes=sentences([
            _agreement_note(result, language),
            message("branches.clipped", language, count=clipped) if clipped else "",
            message("branches.unweighted", language) if result.unweighted else "",
            standard_note(["rwg", "icc1", "icc2"], language),
            *left_out(result, language, survey),
            rows_notes(verdict_rows(result), language)[0],
            "" if result.suppressed else dropped_note(result.n_dropped, language),
        ]),
        language=language,
        standards={
            "rwg_median": threshold("rwg"),
            "icc1": threshold("icc1"),
            "icc2": threshold("icc2"),
        },
        marks={"usable": marks},
    )  # fmt: skip


@table.register
def league_result_table(
    result: LeagueTable, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show each branch's shrunken mean and its rank, never without the rank's limits."""
    rows = with_interval(result.by_group)
    level = conf_text(result.conf_level)
    told = [
        f"{format_count(a)} / {format_count(b)}"
        for a, b in zip(rows["n_better"], rows["n_worse"], strict=True)
    ]
    rows = rows.assign(
        n=rows["n"].astype(float),
        ranked=[rank_text(row, language) for _, row in rows.iterrows()],
        told=told,
    ).set_axis([branch_label(g, result, language, survey) for g in rows["group"]])
    form = "signed" if result.score == "gap" else "number"
    adjusted = {"adjusted": message("branches.col_adjusted", language)} if result.adjust else {}
    return Table(
        rows,
        caption=message(
            "branches.league_caption",
            language,
            by=by_label(result, language, survey),
            what=what_label(result, language, survey),
        ),
        headings={
            "ranked": message("branches.col_rank", language, level=level),
            "estimate": message("branches.col_shrunken", language),
            "interval": heading("interval", language, level=level),
            "mean": message("branches.col_raw", language),
            **adjusted,
            "noise": message("branches.col_noise", language),
            "told": message("branches.col_told", language),
            "n": heading("n", language),
        },
        formats={"ranked": "text", "estimate": form, "interval": "interval", "mean": form}
        | {"adjusted": form, "noise": "share", "told": "text", "n": "count"},
        row_header=heading("group", language),
        notes=sentences(_league_notes(result, language, survey)),
        language=language,
    )


@table.register
def funnel_table(
    result: Funnel, *, language: Language = "en", survey: Survey | None = None
) -> Table:
    """Show each branch against its limits; of many branches those outside only."""
    rows = result.by_group
    many = len(rows) > MOST_ROWS
    if many:
        rows = rows[rows["place"] != "inside"]
    share = result.measure != "mean"
    inner, outer = (conf_text(level) for level in result.levels)
    rows = with_interval(rows, "inner_low", "inner_high", "inner")
    rows = with_interval(rows, "outer_low", "outer_high", "outer")
    places = [
        message(
            f"branches.place_{place}",
            language,
            **({} if place == "inside" else {"level": outer if "very" in place else inner}),
        )
        for place in rows["place"]
    ]
    marks: list[Mark] = ["strong" if "very" in place else "" for place in rows["place"]]
    rows = rows.assign(n=rows["n"].astype(float), where=places).set_axis(
        [branch_label(g, result, language, survey) for g in rows["group"]]
    )
    size = {"size": message("branches.col_effective", language)} if result.weighted else {}
    interval = "interval_share" if share else "interval"
    counted = result.measure == "proportion"
    return Table(
        rows,
        caption=_funnel_caption(result, language, survey),
        headings={
            "estimate": message("branches.funnel_y_share", language)
            if share
            else heading("mean", language),
            "inner": message("branches.col_limits", language, level=inner),
            "outer": message("branches.col_limits", language, level=outer),
            "where": message("branches.col_place", language),
            "n": message("branches.col_total", language) if counted else heading("n", language),
            **size,
        },
        formats={"estimate": "share1" if share else "signed" if result.score == "gap" else "number"}
        | {"inner": interval, "outer": interval, "where": "text", "n": "count", "size": "number1"},
        row_header=heading("group", language),
        notes=sentences([
            message("branches.funnel_table_some", language, count=result.n_groups) if many else "",
            *funnel_notes(result, language),
            *left_out(result, language, survey),
        ]),
        language=language,
        marks={"where": marks},
    )  # fmt: skip


def funnel_notes(result: Funnel, language: Language) -> list[str]:
    """Return what the limits are, what they allow for, and what size is."""
    first = message(
        f"branches.funnel_note_{result.limits}",
        language,
        target=value_text(result.target, result),
        share=format_share(1 - result.levels[0]),
        level=conf_text(result.levels[0]),
    )
    weighted = [message("branches.funnel_weighted", language)] if result.weighted else []
    return [first, dispersion_sentence(result, language), *weighted]


def _funnel_caption(result: Funnel, language: Language, survey: Survey | None) -> str:
    if result.measure == "proportion":
        return message("branches.funnel_caption_counts", language)
    return message(
        "branches.funnel_caption",
        language,
        by=by_label(result, language, survey),
        what=what_label(result, language, survey),
    )


def _agreement_note(result: BranchAgreement, language: Language) -> str:
    return message(
        "branches.agreement_note",
        language,
        groups=format_count(result.n_groups),
        null=message(f"branches.null_{result.null}", language),
        variance=format_number(result.null_variance),
    )


def _league_notes(result: LeagueTable, language: Language, survey: Survey | None) -> list[str]:
    names = [name if survey is None else survey.label(name, language) for name in result.adjust]
    adjusted = (
        [message("branches.league_adjusted", language, names=listed(names, language))]
        if names
        else []
    )
    note = message(
        "branches.league_note",
        language,
        level=conf_text(result.conf_level),
        draws=format_count(result.n_draws),
        average=value_text(result.average, result),
    )
    few = result.n_groups < FEW
    return [
        message("branches.league_boundary", language) if result.boundary else "",
        note,
        *adjusted,
        message("branches.league_weighted", language) if result.weighted else "",
        *pair_sentences(result, language, survey)[:1],
        message("branches.league_few", language, count=result.n_groups) if few else "",
        *left_out(result, language, survey),
        "" if result.suppressed else dropped_note(result.n_dropped, language),
    ]
