"""What the readers of platforms share: names apart, the row of a grid, notes."""

import re
from collections import Counter
from collections.abc import Sequence

import pandas as pd

from servlab.data.formats.table import is_blank
from servlab.data.schema import Label

BRACKETED = re.compile(r"^(?P<question>.*?)\s*[\[［](?P<row>[^\[\]［］]+)[\]］]\s*$", re.DOTALL)


def texts(cells: Sequence[object]) -> list[str]:
    """Return cells as texts without surrounding blanks; empty ones as empty text."""
    return ["" if is_blank(cell) else str(cell).strip() for cell in cells]


def apart(names: Sequence[str]) -> pd.Index:
    """Return names with the second and later of equal ones numbered: title, title#2."""
    seen: Counter[str] = Counter()
    taken = set(names)
    result = []
    for name in names:
        seen[name] += 1
        free = name if seen[name] == 1 else f"{name}#{seen[name]}"
        while seen[name] > 1 and free in taken:
            seen[name] += 1
            free = f"{name}#{seen[name]}"
        taken.add(free)
        result.append(free)
    return pd.Index(result, dtype=object)


def repeated(names: Sequence[str]) -> list[str]:
    """Return the names that occur more than once."""
    return [name for name, count in Counter(names).items() if count > 1]


def read_as(title: str, done_en: str, done_zh: str) -> Label:
    """Return the note that a file was read as a platform's export, and what that meant."""
    return Label(
        en=f"Read as an export of {title}: {done_en}.", zh=f"按{title} 导出读取：{done_zh}。"
    )


def told_apart(names: Sequence[str]) -> tuple[Label, ...]:
    """Return a note on repeated titles, or none."""
    twice = repeated(names)
    if not twice:
        return ()
    shown = ", ".join(twice[:3]) + (", ..." if len(twice) > 3 else "")
    return (
        Label(
            en=f"{len(twice)} title(s) occur more than once; the later ones end in #2, #3: "
            f"{shown}.",
            zh=f"{len(twice)} 个题目标题重复，后出现者以 #2、#3 结尾：{shown}。",
        ),
    )


def bracketed_grids(columns: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return question and row of headings such as ``How good? [Speed]``; a lone one is no grid."""
    found = {c: match for c in columns if (match := BRACKETED.match(c))}
    sizes = Counter(match["question"] for match in found.values())
    return {
        column: (match["question"].strip(), match["row"].strip())
        for column, match in found.items()
        if sizes[match["question"]] >= 2
    }
