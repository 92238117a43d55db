"""Why a study is not current, in the language of a page.

``status`` and ``explain`` give reasons in English; each of their forms is a text ``why_*`` of the
catalogue ``plan_index``, found again here. What a failed study said of itself stays as it is.
"""

import re
from functools import cache

from servlab.data.schema import Language
from servlab.presentation.messages import catalogue, message, placeholders

# Narrow forms first: "language en -> zh" must not be read as a package called language.
KEYS = (
    "cell_changed", "cell_new", "cell_gone", "module_changed", "module_new", "module_gone",
    "parameter_changed", "parameter_new", "parameter_gone", "exports_changed", "exports_new",
    "exports_gone", "language", "code", "records", "running", "cannot", "unknown", "never",
    "damaged", "stopped", "failed", "more", "removed", "unreadable", "touched", "file_changed",
    "file_new", "file_gone", "file_other", "package_changed", "package_new", "package_gone",
)  # fmt: skip
# What a placeholder may hold where any text would take in too much.
_HOLDS = {
    "cell": r"cell \d+(?: \(.*\))?",
    "package": r"[A-Za-z][\w.-]*",
    "version": r"\S+",
    "number": r"\d+",
    "name": r"[\w\[\]-]+",
    "what": r"cells|modules|parameters|files|packages",
}
_WHAT_ZH = {
    "cells": "单元格",
    "modules": "模块",
    "parameters": "参数",
    "files": "文件",
    "packages": "软件包",
}


def reason_in(reason: str, language: Language) -> tuple[str, Language]:
    """Return a reason in a language, or as it is, and the language it is in.

    Examples
    --------
    >>> reason_in("scipy 1.2 -> 1.3", "zh")
    ('scipy 由 1.2 改为 1.3', 'zh')
    """
    if language == "en":
        return reason, "en"
    for key, form in _forms():
        if found := form.fullmatch(reason):
            values = found.groupdict()
            if "what" in values:
                values["what"] = _WHAT_ZH[values["what"]]
            return message(f"plan_index.why_{key}", language, **values), language
    return reason, "en"


@cache
def _forms() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return each form of the catalogue as a pattern."""
    texts = catalogue("plan_index")
    return tuple((key, _pattern(texts[f"why_{key}"]["en"])) for key in KEYS)


def _pattern(text: str) -> re.Pattern[str]:
    escaped = re.escape(text)
    for name in placeholders(text):
        held = _HOLDS.get(name, ".*")
        escaped = escaped.replace(re.escape(f"{{{name}}}"), f"(?P<{name}>{held})")
    return re.compile(escaped, re.DOTALL)
