"""Tables on a fitted model: what it leaves out, what it leaves over, bootstrap intervals."""

import pandas as pd

from servlab.core.standards import standard
from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.latent.bootstrap import LatentBootstrap
from servlab.estimation.latent.residuals import LatentResiduals
from servlab.estimation.latent.score_tests import ModificationIndices
from servlab.presentation.formats import format_count
from servlab.presentation.labels import conf_text, dropped_note, plain
from servlab.presentation.latent_words import free_words, largest_residuals, short_name
from servlab.presentation.messages import message
from servlab.presentation.result_tables.build import sentences, with_interval
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.result_tables.latent import path_label
from servlab.presentation.standards import standard_note, threshold
from servlab.presentation.tables import Table

MOST = 10  # rows


def _group_heads(groups: pd.Series) -> list[str]:
    """Return group labels as headings of rows, none for a single group."""
    labels = [plain(str(group)) for group in groups]
    return labels if len({*labels}) > 1 else []


@table.register
def modification_table(
    result: ModificationIndices,
    *,
    language: Language = "en",
    instrument: Instrument | None = None,
    survey: Survey | None = None,
) -> Table:
    """Show the largest modification indices."""
    rows = result.tidy().head(MOST).sort_values("group", kind="stable")
    names = survey or instrument
    terms = [
        free_words(str(a), str(op), str(b), names, language)
        for a, op, b in zip(rows["lhs"], rows["op"], rows["rhs"], strict=True)
    ]
    return Table(
        rows.set_axis(terms),
        caption=message("latent.modification_caption", language),
        headings={
            "mi": message("latent.col_mi", language),
            "p_value": "p",
            "sepc_all": message("latent.col_epc", language),
        },
        formats={"mi": "number", "p_value": "p", "sepc_all": "signed"},
        row_header=message("invariance.col_term", language),
        notes=sentences(
            [
                standard_note([], language),
                message("latent.modification_note", language),
                message("terms.n_total", language, n=format_count(result.n)),
                dropped_note(result.n_dropped, language),
            ]
        ),
        language=language,
        row_groups=_group_heads(rows["group"]),
    )


@table.register
def residuals_table(
    result: LatentResiduals,
    *,
    language: Language = "en",
    instrument: Instrument | None = None,
    survey: Survey | None = None,
) -> Table:
    """Show the largest residual correlations."""
    rows = largest_residuals(result).head(MOST).sort_values("group", kind="stable")
    names = survey or instrument
    labels = [
        f"{short_name(str(a), names, language)} – {short_name(str(b), names, language)}"
        for a, b in zip(rows["lhs"], rows["rhs"], strict=True)
    ]
    far = [not standard("residual").met_by(float(value)) for value in rows["estimate"]]
    return Table(
        rows.set_axis(labels),
        caption=message("latent.residuals_caption", language),
        headings={"estimate": message("latent.col_residual", language)},
        formats={"estimate": "signed3"},
        row_header=message("latent.col_items", language),
        notes=sentences(
            [
                standard_note(["residual"], language),
                message("latent.residuals_note", language),
                message("terms.n_total", language, n=format_count(result.n)),
                dropped_note(result.n_dropped, language),
            ]
        ),
        language=language,
        row_groups=_group_heads(rows["group"]),
        marks={"estimate": ["bad" if f else "" for f in far]},
        standards={"estimate": threshold("residual")},
    )


@table.register
def bootstrap_table(
    result: LatentBootstrap,
    *,
    language: Language = "en",
    instrument: Instrument | None = None,
    survey: Survey | None = None,
    conf_level: float = 0.95,
) -> Table:
    """Show paths and defined parameters with their bootstrap intervals."""
    rows = result.tidy(conf_level=conf_level)
    rows = with_interval(rows[rows["op"].isin(["~", ":="])])
    names = survey or instrument
    labels = [
        path_label((str(a), str(op), str(b)), names, language)
        for a, op, b in zip(rows["lhs"], rows["op"], rows["rhs"], strict=True)
    ]
    level = conf_text(conf_level)
    return Table(
        rows.set_axis(labels),
        caption=message("latent.bootstrap_caption", language),
        headings={
            "estimate": message("terms.col_estimate", language),
            "std_error": message("terms.col_std_error", language),
            "interval": message("terms.col_interval", language, level=level),
        },
        formats={"estimate": "number3", "std_error": "number3", "interval": "interval3"},
        row_header=message("latent.col_path", language),
        notes=sentences(
            [
                standard_note([], language),
                message(
                    "latent.bootstrap_note",
                    language,
                    count=format_count(result.n_draws),
                    seed=str(result.seed),
                    failed=format_count(result.n_failed),
                ),
                message("latent.bootstrap_not_normal", language),
                message("terms.n_total", language, n=format_count(result.n)),
                dropped_note(result.n_dropped, language),
            ]
        ),
        language=language,
    )
