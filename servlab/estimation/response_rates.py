"""How many of the sample answered? Outcome rates as AAPOR's Standard Definitions have them.

Every case of the sample ends in a final disposition; rates differ by what counts as an answer
(partial interviews or not) and by what is made of cases of unknown eligibility [aapor2016]_.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.errors import ModelError

Disposition = Literal["I", "P", "R", "NC", "O", "UH", "UO", "NE"]
DISPOSITIONS: tuple[Disposition, ...] = get_args(Disposition)
RATES = (
    "RR1", "RR2", "RR3", "RR4", "RR5", "RR6", "COOP1", "COOP2", "COOP3", "COOP4",
    "REF1", "REF2", "REF3", "CON1", "CON2", "CON3",
)  # fmt: skip
ELIGIBLE: tuple[Disposition, ...] = ("I", "P", "R", "NC", "O")


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ResponseRates:
    """Outcome rates of a sample.

    Attributes
    ----------
    rates : Series
        ``RR1`` to ``RR6``, ``COOP1`` to ``COOP4``, ``REF1`` to ``REF3``, ``CON1`` to ``CON3``, in
        [0, 1]; NaN where nobody stands in the denominator.
    counts : Series
        Cases by disposition: complete (I), partial (P), refusal and break-off (R), non-contact
        (NC), other (O), unknown whether a household is there (UH), unknown otherwise (UO), not
        eligible (NE).
    e : float
        Share of the cases of unknown eligibility taken as eligible, in [0, 1].
    e_source : {"given", "estimated", "not_needed"}
        Where ``e`` comes from; not needed when every case's eligibility is known.
    n : int
        Cases of the sample.
    """

    rates: pd.Series
    counts: pd.Series
    e: float
    e_source: Literal["given", "estimated", "not_needed"]
    n: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a rate."""
        return pd.DataFrame({"term": self.rates.index, "estimate": self.rates.to_numpy()})

    def glance(self) -> pd.DataFrame:
        """Return one row: cases of the sample."""
        return pd.DataFrame([{"n": self.n}])


def response_rates(
    dispositions: Mapping[str, int] | pd.Series,
    *,
    codes: Mapping[str, Disposition] | None = None,
    e: float | None = None,
) -> ResponseRates:
    """Compute response, cooperation, refusal and contact rates.

    Parameters
    ----------
    dispositions : mapping or Series
        Counts by disposition (``{"I": 320, "P": 25, "R": 180, ...}``; a disposition left out
        counts no case), or the disposition of every case, a column of the sample file.
    codes : mapping, optional
        What the entries of that column mean: entry -> disposition. Not needed for AAPOR's own
        letters and for its numeric codes (1.1, 1.2, 2.1 ... 4.x).
    e : float, optional
        Share of the cases of unknown eligibility taken as eligible, in [0, 1]. None estimates it
        from the sample: the share of eligible cases among those whose eligibility is known.

    Returns
    -------
    ResponseRates

    Raises
    ------
    ModelError
        For an unknown or missing disposition, a count that is no whole number of at least 0, no
        eligible case, or ``e`` outside [0, 1].

    Notes
    -----
    With E = I + P + R + NC + O and U = UH + UO: RR1 = I / (E + U), RR3 = I / (E + e U),
    RR5 = I / E; RR2, RR4 and RR6 have I + P above. COOP1 = I / (I + P + R + O),
    COOP3 = I / (I + P + R); COOP2 and COOP4 have I + P above. REF1 to REF3 have R, CON1 to CON3
    have I + P + R + O over E + U, E + e U and E. The estimate of e is proportional allocation,
    E / (E + NE): where no case is known not to be eligible it is 1, and RR3 is RR1.

    References
    ----------
    .. [aapor2016] American Association for Public Opinion Research (2016), Standard Definitions,
       9th edition.

    Examples
    --------
    >>> import servlab as sl
    >>> result = sl.response_rates({"I": 300, "P": 20, "R": 100, "NC": 60, "O": 20, "UO": 100})
    >>> float(result.rates["RR1"]), float(result.rates["RR5"])
    (0.5, 0.6)
    """
    counts = _counts(dispositions, codes)
    I, P, R, NC, O, UH, UO, NE = (int(counts[name]) for name in DISPOSITIONS)  # noqa: E741
    eligible, unknown = I + P + R + NC + O, UH + UO
    if not eligible:
        raise ModelError("no case is eligible (I, P, R, NC and O are all 0); there is no rate.")
    if e is not None and not 0 <= e <= 1:
        raise ModelError(f"e is a share of cases, between 0 and 1; got {e!r}.")
    share = eligible / (eligible + NE) if e is None else float(e)
    known, answered, reached = eligible + share * unknown, I + P, I + P + R + O
    over = {"1": eligible + unknown, "2": known, "3": eligible}
    rates = {f"RR{2 * place + 1}": _rate(I, over[str(place + 1)]) for place in range(3)}
    rates |= {f"RR{2 * place + 2}": _rate(answered, over[str(place + 1)]) for place in range(3)}
    rates |= {"COOP1": _rate(I, reached), "COOP2": _rate(answered, reached)}
    rates |= {"COOP3": _rate(I, I + P + R), "COOP4": _rate(answered, I + P + R)}
    rates |= {f"REF{number}": _rate(R, below) for number, below in over.items()}
    rates |= {f"CON{number}": _rate(reached, below) for number, below in over.items()}
    source: Literal["given", "estimated"] = "estimated" if e is None else "given"
    return ResponseRates(
        rates=pd.Series(rates)[list(RATES)].rename("estimate"),
        counts=counts,
        e=share,
        e_source=source if unknown else "not_needed",
        n=eligible + unknown + NE,
    )


def _rate(above: float, below: float) -> float:
    return above / below if below else float("nan")


def _counts(
    dispositions: Mapping[str, int] | pd.Series, codes: Mapping[str, Disposition] | None
) -> pd.Series:
    """Return the cases of each disposition."""
    if isinstance(dispositions, pd.Series):
        named = {str(label) for label in dispositions.index} <= set(DISPOSITIONS)
        if not named:
            return _of_cases(dispositions, codes)
        dispositions = {str(k): v for k, v in dispositions.items()}
    unknown = sorted(set(map(str, dispositions)) - set(DISPOSITIONS))
    if unknown:
        raise ModelError(
            f"dispositions are {', '.join(DISPOSITIONS)}; got {', '.join(unknown)}. For a column "
            "of the sample file give the column itself, and codes."
        )
    wrong = {
        name: count
        for name, count in dispositions.items()
        if isinstance(count, bool)
        or not isinstance(count, int | float | np.number)
        or not float(count).is_integer()
        or count < 0
    }
    if wrong:
        raise ModelError(f"counts must be whole numbers of at least 0; got {wrong}.")
    values = {name: int(dispositions.get(name, 0)) for name in DISPOSITIONS}
    return pd.Series(values, name="n")


def _of_cases(cases: pd.Series, codes: Mapping[str, Disposition] | None) -> pd.Series:
    """Return the cases of each disposition from one entry a case."""
    if cases.isna().any():
        raise ModelError(
            f"{int(cases.isna().sum())} cases have no disposition; every case of the sample needs "
            "one (a case never tried is of unknown eligibility, UO)."
        )
    given = {_text(key): value for key, value in (codes or {}).items()}
    wrong = sorted(set(given.values()) - set(DISPOSITIONS))
    if wrong:
        raise ModelError(f"codes must lead to {', '.join(DISPOSITIONS)}; got {', '.join(wrong)}.")
    entries = cases.map(_text).value_counts()
    meant = {entry: given.get(entry) or _standard(entry) for entry in entries.index}
    lost = [entry for entry, disposition in meant.items() if disposition is None]
    if lost:
        raise ModelError(
            f"the dispositions {', '.join(map(repr, lost[:8]))} are unknown; say in codes what "
            f"each means: {', '.join(DISPOSITIONS)}."
        )
    totals = entries.groupby(meant).sum()
    return totals.reindex(list(DISPOSITIONS), fill_value=0).astype(int).rename("n")


def _text(entry: object) -> str:
    """Return an entry as text; 2.10 and 2.1, 4.0 and 4 are one."""
    text = str(entry).strip()
    if re.fullmatch(r"\d+\.\d+", text):
        text = text.rstrip("0").rstrip(".")
    return text


_NUMERIC: MappingProxyType[str, Disposition] = MappingProxyType(
    {
        r"1(\.1\d*)?": "I",
        r"1\.2\d*": "P",
        r"2\.1\d*": "R",
        r"2\.2\d*": "NC",
        r"2\.3\d*": "O",
        r"3\.1\d*": "UH",
        r"3(\.[2-9]\d*)?": "UO",
        r"4(\.\d+)?": "NE",
    }
)


def _standard(entry: str) -> Disposition | None:
    """Return the disposition that AAPOR's letters or numeric codes name; None for others."""
    if entry in DISPOSITIONS:
        return entry
    return next((d for pattern, d in _NUMERIC.items() if re.fullmatch(pattern, entry)), None)
