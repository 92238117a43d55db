"""How one item of a wave differs from the same item of an earlier wave."""

from dataclasses import dataclass
from typing import Literal

from servlab.data.schema import Label

Kind = Literal["not_asked", "unanswered", "scale", "grade", "reversed", "wording", "words", "codes",
               "column"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which an item of a wave differs from the first wave that asked it.

    Attributes
    ----------
    battery, item, wave : str
        Where.
    kind : str
        ``not_asked`` or ``unanswered`` in that wave; another ``scale`` or ``grade`` of
        expectation; ``reversed`` in one of them only; other ``wording`` (label); other
        ``words`` for answers or other numbers for them; other missing ``codes``; another
        ``column``.
    before, now : Label
        What it was in the first wave that asked it, and what it is here.
    """

    battery: str
    item: str
    wave: str
    kind: Kind
    before: Label
    now: Label
