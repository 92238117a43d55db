"""Who is in the sample: counts and shares of every covariate, as a thesis opens with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_count
from servlab.core.errors import ModelError
from servlab.core.groups import natural_order, suppressed_groups
from servlab.data.survey import Survey
from servlab.scales.means import mean_row

MOST_NUMBERS = 12  # a covariate of more different numbers is described by its mean
MOST_VALUES = 20  # of more different values the rare ones are put together

Kind = Literal["value", "rest", "missing", "numeric", "many"]


@brief
@dataclass(frozen=True, slots=True, eq=False)
class SampleTable:
    """The sample by covariate.

    Attributes
    ----------
    by_value : DataFrame
        A row a covariate and value: ``term`` (covariate), ``group`` (value as in the file),
        ``kind`` (``value``; ``rest``: rare values together; ``missing``; ``numeric``: a covariate
        of many numbers; ``many``: one of many words without a role, such as a time or a comment),
        ``n``, ``share`` of all respondents, ``share_valid`` of those with a value,
        ``share_weighted`` of those with a value under the survey's weights (NaN without
        weights), ``mean`` and ``std_dev`` (of numeric covariates, weighted under weights). A
        suppressed value has n = -1 and no share.
    suppressed : mapping of str to tuple of str
        Values hidden, by covariate.
    merged : mapping of str to int
        How many values stand together (``rest``, ``many``), by covariate.
    min_cell : int
        Smallest count shown.
    n : int
        Respondents.
    weighted : bool
        Whether the survey has weights.
    """

    by_value: pd.DataFrame
    suppressed: Mapping[str, tuple[str, ...]]
    merged: Mapping[str, int]
    min_cell: int
    n: int
    weighted: bool

    def tidy(self) -> pd.DataFrame:
        """Return a row a covariate and value."""
        return self.by_value

    def glance(self) -> pd.DataFrame:
        """Return one row: respondents."""
        return pd.DataFrame([{"n": self.n}])


def sample_table(
    survey: Survey, covariates: Sequence[str] | None = None, *, min_cell: int = 5
) -> SampleTable:
    """Count the respondents of every value of every covariate.

    Parameters
    ----------
    survey : Survey
        After its exclusions; its weights give one more column.
    covariates : sequence of str, optional
        The covariates, in order; None takes all that the survey has.
    min_cell : int
        Counts below it are hidden, and one more where it would reveal them.

    Returns
    -------
    SampleTable

    Raises
    ------
    ModelError
        For a covariate that the survey does not have, or when there is none.

    Notes
    -----
    A covariate of more than 12 different numbers, without value labels and a role as a group, is
    described by mean and standard deviation; its extremes are left out, since they are single
    respondents. Of more than 20 values the 19 most frequent stand alone and the others together;
    without role and labels (times, comments) they are only counted. Values stand in the
    codebook's order, else numbers by size and words by the alphabet. The missing are counted in
    ``share``, not in ``share_valid``; their count is no answer and is always shown.

    Examples
    --------
    >>> import servlab as sl
    >>> sample = sl.sample_table(sl.load_example("servqual"), ["branch"])
    >>> float(sample.by_value["share"].sum().round(12))
    1.0
    """
    check_count("min_cell", min_cell)
    known = [str(name) for name in survey.covariates.columns]
    names = known if covariates is None else list(covariates)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        listed = ", ".join(known) or "none"
        raise ModelError(
            f"covariates must be among the survey's ({listed}); got {', '.join(unknown) or 'none'}."
        )
    rows: list[dict[str, object]] = []
    suppressed, merged = {}, {}
    for name in names:
        values = survey.covariates[name]
        values = values.where(values.isna(), values.astype(str))
        if is_measure(survey, name):
            rows.append({"term": name} | _numeric(values, survey))
        elif values.nunique() > MOST_VALUES and not _is_group(survey, name):
            merged[name] = values.nunique()
            rows.append({"term": name} | _whole(values, survey, "many"))
        else:
            groups, rest = _merge_rare(values)
            part, hidden = _counted(name, groups, survey, min_cell)
            rows += [{"term": name} | row for row in part]
            if hidden:
                suppressed[name] = hidden
            if rest:
                merged[name] = rest
        rows += [{"term": name} | row for row in _missing(values, survey)]
    columns = ["term", "group", "kind", "n", "share", "share_valid", "share_weighted"]
    return SampleTable(
        by_value=pd.DataFrame(rows, columns=[*columns, "mean", "std_dev"]),
        suppressed=MappingProxyType(suppressed),
        merged=MappingProxyType(merged),
        min_cell=min_cell,
        n=survey.n,
        weighted=survey.weights is not None,
    )


def is_measure(survey: Survey, name: str) -> bool:
    """Return whether a covariate measures: many numbers, no labels, and no role as a group."""
    if _is_group(survey, name):
        return False
    given = survey.covariates[name].dropna()
    numbers = pd.to_numeric(given, errors="coerce")
    return bool(given.nunique() > MOST_NUMBERS and numbers.notna().all())


def _is_group(survey: Survey, name: str) -> bool:
    """Return whether the codebook makes a covariate a grouping: a role, or labels of values."""
    known = survey.variables.get(name)
    return known is not None and (bool(known.values) or known.role != "other")


def _whole(values: pd.Series, survey: Survey, kind: Kind) -> dict[str, object]:
    """Return the row of a covariate that is not shown value by value."""
    n = int(values.notna().sum())
    shares = {"share": n / survey.n, "share_valid": np.nan, "share_weighted": np.nan}
    row: dict[str, object] = {"group": "", "kind": kind, "n": n}
    return row | shares


def _numeric(values: pd.Series, survey: Survey) -> dict[str, object]:
    """Return the row of a covariate of many numbers."""
    row = mean_row(pd.to_numeric(values).astype(float), survey.weights, 0.95)
    moments = {"mean": row["estimate"], "std_dev": row["std_dev"]}
    return _whole(values, survey, "numeric") | moments


def _merge_rare(values: pd.Series) -> tuple[pd.Series, int]:
    """Return values with the rare ones as an empty text, and how many those are."""
    counts = values.value_counts()
    if len(counts) <= MOST_VALUES:
        return values, 0
    rare = counts.sort_index().sort_values(kind="stable", ascending=False).index[MOST_VALUES - 1 :]
    return values.mask(values.isin(rare), ""), len(rare)


def _counted(
    name: str, values: pd.Series, survey: Survey, min_cell: int
) -> tuple[list[dict[str, object]], tuple[str, ...]]:
    """Return a row a value, the small ones hidden, and the values hidden."""
    counts = values.value_counts()
    hidden = suppressed_groups(counts, min_cell)
    weights = survey.weights
    valid = values.notna()
    rows: list[dict[str, object]] = []
    for value in _ordered(name, [str(v) for v in counts.index], survey):
        members = values == value
        row: dict[str, object] = {"group": value, "kind": "value" if value else "rest"}
        if value in hidden:
            nothing = dict.fromkeys(("share", "share_valid", "share_weighted"), np.nan)
            rows.append(row | {"n": -1} | nothing)
            continue
        n = int(counts[value])
        share = np.nan if weights is None else weights[members].sum() / weights[valid].sum()
        rows.append(
            row
            | {"n": n, "share": n / survey.n}
            | {"share_valid": n / int(valid.sum()), "share_weighted": float(share)}
        )
    return rows, hidden


def _ordered(name: str, values: list[str], survey: Survey) -> list[str]:
    """Return values in the codebook's order, then by size or alphabet; the merged ones last."""
    known = list(survey.variables[name].values) if name in survey.variables else []
    places = {value: place for place, value in enumerate(known)}
    return sorted(
        values, key=lambda v: (v == "", places.get(_key(v), len(known)), natural_order(v))
    )


def _key(value: str) -> str:
    """Return a value as the codebook writes it: whole numbers without their decimals."""
    return value.removesuffix(".0")


def _missing(values: pd.Series, survey: Survey) -> list[dict[str, object]]:
    n = int(values.isna().sum())
    if not n:
        return []
    shares = {"share": n / survey.n, "share_valid": np.nan, "share_weighted": np.nan}
    return [{"group": "", "kind": "missing", "n": n} | shares]
