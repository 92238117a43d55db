"""How groups of respondents are ordered, and which must be hidden because they are small."""

import pandas as pd


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
