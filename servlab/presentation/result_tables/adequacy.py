"""Tables of joint normality and of the number of factors."""

from typing import Literal

import pandas as pd

from servlab.core.checks import check_choice
from servlab.data.schema import Language
from servlab.estimation.factor_count import FactorCount
from servlab.estimation.normality import MardiaResult
from servlab.estimation.retention import MapTest
from servlab.presentation.formats import format_count
from servlab.presentation.labels import dropped_note, near_note
from servlab.presentation.messages import message
from servlab.presentation.result_tables.build import heading
from servlab.presentation.result_tables.dispatch import table
from servlab.presentation.standards import standard_note
from servlab.presentation.tables import Mark, Table

COUNT_PARTS = ("criteria", "steps")


def basis(result: MardiaResult | FactorCount | MapTest, language: Language) -> tuple[str, ...]:
    """Return the sentences on the rows used and lost."""
    return (
        message("terms.n_total", language, n=format_count(result.n)),
        dropped_note(result.n_dropped, language),
        *near_note(result, language),
    )


@table.register
def mardia_table(result: MardiaResult, *, language: Language = "en") -> Table:
    """Show Mardia's tests, a row each."""
    rows = result.tidy()
    k = _items_of(result.skewness_df)
    frame = rows.set_axis([message(f"adequacy.mardia_{t}", language) for t in rows["term"]])
    columns = {"estimate": "value", "statistic": "statistic", "df": "df"}
    return Table(
        frame,
        caption=message("adequacy.mardia_caption", language),
        headings={c: message(f"adequacy.mardia_{h}", language) for c, h in columns.items()}
        | {"p_value": heading("p_value", language)},
        formats={"estimate": "number", "statistic": "number", "df": "df", "p_value": "p"},
        row_header=message("adequacy.mardia_row", language),
        notes=(
            standard_note(["mardia"], language),
            message("adequacy.mardia_note", language, expected=format_count(k * (k + 2))),
            *basis(result, language),
        ),
        language=language,
    )


def _items_of(df: int) -> int:
    """Return the number of items whose skewness has so many degrees of freedom."""
    return next(k for k in range(1, df + 2) if k * (k + 1) * (k + 2) // 6 >= df)


@table.register
def count_table(
    result: FactorCount,
    *,
    language: Language = "en",
    part: Literal["criteria", "steps"] = "criteria",
) -> Table:
    """Show the number of factors by each criterion, or every step of the criteria."""
    check_choice("part", part, COUNT_PARTS)
    return _criteria(result, language) if part == "criteria" else _steps(result, language)


def _criteria(result: FactorCount, language: Language) -> Table:
    names = [*map(str, result.by_criterion.index), "recommended"]
    numbers = [*result.by_criterion.tolist(), result.n_factors]
    frame = pd.DataFrame(
        {"estimate": numbers}, index=[message(f"adequacy.count_{n}", language) for n in names]
    )
    draws = result.components
    return Table(
        frame,
        caption=message("adequacy.count_caption", language),
        headings={"estimate": message("adequacy.count_number", language)},
        formats={"estimate": "count"},
        row_header=message("adequacy.count_row", language),
        notes=(
            standard_note(["parallel", "map"], language),
            message(
                "adequacy.count_note",
                language,
                draws=format_count(draws.n_draws),
                seed=str(draws.seed),
            ),
            *basis(result, language),
        ),
        language=language,
        strong_rows=(len(names) - 1,),
    )


def _steps(result: FactorCount, language: Language) -> Table:
    columns = {
        "components": result.components.eigenvalues,
        "components_null": result.components.null,
        "common": result.common.eigenvalues,
        "common_null": result.common.null,
        "map_1976": result.partial.average,
        "map_2000": result.partial.average_fourth,
    }
    frame = pd.DataFrame(columns)
    leading = {"components": result.components.n_factors, "common": result.common.n_factors}
    smallest = {"map_1976": result.partial.n_factors, "map_2000": result.partial.n_factors_fourth}
    marks: dict[str, list[Mark]] = {
        name: ["strong" if place <= kept else "" for place in frame.index]
        for name, kept in leading.items()
    } | {
        name: ["strong" if place == best else "" for place in frame.index]
        for name, best in smallest.items()
    }
    form = dict.fromkeys(columns, "number") | {"map_1976": "number3", "map_2000": "number4"}
    return Table(
        frame.rename(index=str),
        caption=message("adequacy.criteria_caption", language),
        headings={name: message(f"adequacy.criteria_{name}", language) for name in columns},
        formats=form,
        row_header=message("scale.parallel_number", language),
        notes=(
            standard_note(["parallel", "map"], language),
            message("adequacy.criteria_note", language),
            *basis(result, language),
        ),
        language=language,
        marks=marks,
    )


@table.register
def map_table(result: MapTest, *, language: Language = "en") -> Table:
    """Show the mean partial correlations after removing 1, 2, ... components."""
    values = {"estimate": result.average, "average_fourth": result.average_fourth}
    best = {"estimate": result.n_factors, "average_fourth": result.n_factors_fourth}
    names = {"estimate": "criteria_map_1976", "average_fourth": "criteria_map_2000"}
    return Table(
        pd.DataFrame(values).rename(index=str),
        caption=message("adequacy.map_caption", language),
        headings={name: message(f"adequacy.{key}", language) for name, key in names.items()},
        formats={"estimate": "number3", "average_fourth": "number4"},
        row_header=message("adequacy.map_row", language),
        notes=(standard_note(["map"], language), *basis(result, language)),
        language=language,
        marks={
            name: ["strong" if place == best[name] else "" for place in values[name].index]
            for name in values
        },
    )
