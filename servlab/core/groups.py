"""How groups of respondents are named and ordered, and which are hidden because they are small."""

import pandas as pd


def group_codes(column: pd.Series) -> pd.Series:
    """Return a covariate of any type as texts, one a group; missing stays missing.

    Whole numbers lose their decimals, so that 1, 1.0 and "1" name one group.

    Examples
    --------
    >>> group_codes(pd.Series([1.0, 2.5, None])).tolist()
    ['1', '2.5', nan]
    """

    def code(value: object) -> object:
        whole = isinstance(value, float) and value.is_integer()
        return str(int(value)) if whole else str(value)  # type: ignore[call-overload]

    texts = column.astype(object)
    return texts.where(texts.isna(), texts.map(code, na_action="ignore")).where(texts.notna())


def natural_order(value: str) -> tuple[int, float, str]:
    """Return a sort key: numbers as numbers, the rest as text after them."""
    try:
        return 0, float(value), value
    except ValueError:
        return 1, 0.0, value


def suppressed_groups(counts: pd.Series, min_cell: int) -> tuple[str, ...]:
    """Return the groups to hide: the small ones, and one more when they could be inferred.

    One hidden group is the total less the others; several are told by their sum when it equals
    their number (each is one respondent).
    """
    ordered = counts.sort_values(kind="stable")
    hidden = int((ordered < min_cell).sum())
    if 0 < hidden < len(ordered) and (hidden == 1 or ordered.iloc[:hidden].sum() == hidden):
        hidden += 1
    return tuple(str(group) for group in ordered.index[:hidden])
