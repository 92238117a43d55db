"""The rules that propose respondents for a second look: cut-offs, reasons and sources.

Straight answers on expectations alone are legitimate (everything matters), so strings of one
answer count only beyond a single battery, and straight-lining only over all batteries together.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from servlab.core.errors import ModelError
from servlab.data.schema import Label

Rule = Literal[
    "straight_lined",
    "incomplete",
    "duplicate",
    "long_string",
    "inconsistent",
    "outlying",
    "too_fast",
    "out_of_range",
]
RULES: tuple[Rule, ...] = get_args(Rule)

SHORTEST_STRING = 10  # items of a single battery from which half of them is a long string
SUBSCALES = 8  # over fewer, an honest person's correlation is negative too often


@dataclass(frozen=True, slots=True)
class ScreeningCutoffs:
    """Where each screening rule begins to propose.

    Parameters
    ----------
    min_answers : int
        ``straight_lined``: equal answers that make a line, at least 2.
    max_missing : float
        ``incomplete``: share of the items that may be open, in [0, 1). Fewer than half of the
        questions answered is a break-off in AAPOR's example [aapor2016]_.
    long_string : int, optional
        ``long_string``: equal answers in a row that are still usual. None takes the length of
        the largest battery, or half of the items where there is one battery of ten or more.
    min_consistency : float
        ``inconsistent``: even-odd consistency under it is proposed, in [-1, 1]. Published
        cut-offs are as high as .30 [curran2016]_; where dimensions are judged alike they propose
        many honest people.
    outlier_p : float
        ``outlying``: tail of the chi-square distribution, in (0, 1).
    min_seconds : float
        ``too_fast``: seconds an item, over 0; two of them are Huang et al.'s [huang2012]_.

    References
    ----------
    .. [aapor2016] American Association for Public Opinion Research (2016), Standard Definitions.
    .. [curran2016] Curran (2016), Journal of Experimental Social Psychology 66, 4-19.
    .. [huang2012] Huang, Curran, Keeney, Poposki and DeShon (2012), Journal of Business and
       Psychology 27, 99-114.

    Examples
    --------
    >>> ScreeningCutoffs(min_seconds=1.5).min_seconds
    1.5
    """

    min_answers: int = 5
    max_missing: float = 0.5
    long_string: int | None = None
    min_consistency: float = 0.0
    outlier_p: float = 0.001
    min_seconds: float = 2.0

    def __post_init__(self) -> None:
        """Check that every cut-off can cut."""
        faults = {
            "min_answers (at least 2)": self.min_answers < 2,
            "max_missing (at least 0 and under 1)": not 0 <= self.max_missing < 1,
            "long_string (at least 2, or None)": self.long_string is not None
            and self.long_string < 2,
            "min_consistency (between -1 and 1)": not -1 <= self.min_consistency <= 1,
            "outlier_p (between 0 and 1)": not 0 < self.outlier_p < 1,
            "min_seconds (over 0)": not self.min_seconds > 0,
        }
        wrong = [name for name, fault in faults.items() if fault]
        if wrong:
            raise ModelError(f"screening cut-offs out of bounds: {', '.join(wrong)}; got {self}.")


# Where each rule comes from, as a table names it.
SOURCES: MappingProxyType[Rule, str] = MappingProxyType(
    {
        "straight_lined": "Curran (2016)",
        "incomplete": "AAPOR (2016)",
        "duplicate": "Kuriakose & Robbins (2016)",
        "long_string": "Curran (2016)",
        "inconsistent": "Jackson (1976); Meade & Craig (2012)",
        "outlying": "Meade & Craig (2012)",
        "too_fast": "Huang et al. (2012)",
        "out_of_range": "",
    }
)

# What a rule needs, for the message when the survey gives it no ground.
NEEDS: MappingProxyType[str, str] = MappingProxyType(
    {
        "straight_lined": "it needs as many items as equal answers make a line",
        "duplicate": "it needs ten items",
        "long_string": "it needs two batteries, or one of ten items, or a cut-off of its own",
        "inconsistent": "it needs eight dimensions of two items, counted over batteries",
        "outlying": "it needs twice as many complete rows as items",
        "too_fast": "it needs a duration in the codebook",
    }
)


def reason(rule: Rule, cutoffs: ScreeningCutoffs) -> Label:
    """Return why a rule proposes a respondent, with its cut-off, in both languages."""
    c = cutoffs
    share, p = f"{100 * c.max_missing:g} %", f"{c.outlier_p:g}".removeprefix("0")
    consistency = f"{c.min_consistency:g}".replace("-", "\N{MINUS SIGN}").replace("0.", ".")
    reasons: dict[str, tuple[str, str]] = {
        "straight_lined": (
            "gave one and the same answer to every item of all batteries",
            "各部分所有题目答案完全相同",
        ),
        "incomplete": (f"left more than {share} of the items open", f"超过{share}的题目未作答"),
        "duplicate": (
            "repeated an earlier respondent's answers to every item and question",
            "所有题目与变量的答案与前面某位受访者完全相同",
        ),
        "long_string": (
            f"gave one answer to more than {c.long_string} items in a row",
            f"连续超过{c.long_string}题给出相同答案",
        ),
        "inconsistent": (
            "answered even and odd items of the dimensions against each other, "
            f"consistency below {consistency}",
            f"各维度奇数题与偶数题的作答相互矛盾，一致性低于{consistency}",
        ),
        "outlying": (
            f"gave a pattern of answers far from everybody's, Mahalanobis p < {p}",
            f"作答模式与其他人相差极大，马氏距离p < {p}",
        ),
        "too_fast": (
            f"took less than {c.min_seconds:g} seconds an item",
            f"平均每题用时不足{c.min_seconds:g}秒",
        ),
        "out_of_range": (
            "has an answer or outcome outside its scale",
            "有答案或结果变量超出量表范围",
        ),
    }
    en, zh = reasons[rule]
    return Label(en=en, zh=zh)
