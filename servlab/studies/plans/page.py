"""What the page over a plan's reports says: what needs attention, then a table a kind of study.

A study is a row, whatever languages its report is in, as long as they stand alike; its key
figures have a column each, so that branches and waves can be read down. The page asks no host for
anything. Its one script, named by its hash in the page's security policy, adds how long ago each
moment was and a filter; without it the moments stand alone.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal
from urllib.parse import quote

from markupsafe import Markup

from servlab.core.standards import standard
from servlab.data.schema import LANGUAGES, Language
from servlab.presentation.formats import format_interval, format_value
from servlab.presentation.html import LANG_OF, compact_css
from servlab.presentation.messages import catalogue, message
from servlab.presentation.standards import threshold
from servlab.studies.plans.entries import EARLIER, Entry, moment_text
from servlab.studies.plans.figures import Figure
from servlab.studies.plans.reasons import reason_in

STATES = ("failed", "missing", "running", "stale", "current", EARLIER)  # the worst first
OWN_NAMES = {"en": "English", "zh": "中文"}
_WORDS = ("skip", "lede", "nothing", "cannot_run", "cannot_run_text", "study", "state",
          "filter", "published", "never", "left", "made", "jump")  # fmt: skip
MOST_REASONS = 7
MOST_NAMED = 12  # studies in one panel of what needs attention
MANY = 30  # rows from which a table has links to the values of its first axis
TEMPLATE = "plan.html.j2"
# How each figure is written, to how many decimals, and the standard it is judged by.
_FORMS: Mapping[str, tuple[str, str]] = {
    "gap": ("number", ""),
    "perception": ("number", ""),
    "r_squared": ("correlation", ""),
    "adj_r_squared": ("correlation", ""),
    "r_perception": ("correlation", ""),
    "r_gap": ("correlation", ""),
    "alpha_lowest": ("correlation", "reliability"),
    "omega_total": ("correlation", "reliability"),
    "kmo": ("correlation", "kmo"),
    "cfi": ("correlation3", "cfa_cfi"),
    "rmsea": ("correlation3", "cfa_rmsea"),
    "srmr": ("correlation3", "cfa_srmr"),
    "highest": ("number", ""),
    "lowest": ("number", ""),
    "icc1": ("correlation", "icc1"),
    "wave_newest": ("number", ""),
    "wave_change": ("signed", ""),
    "wave_since_first": ("signed", ""),
    "n": ("count", ""),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One plan on the page: its entries, what is wrong with it, when it was looked at."""

    plan: str
    entries: tuple[Entry, ...]
    problems: tuple[str, ...] = ()
    checked: str = ""


def index_page(parts: Sequence[Part], language: Language) -> str:
    """Return the page over the reports of one or more plans; the same in gives the same out."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from servlab.studies.report import TEMPLATE as FOLDER
    from servlab.studies.report import page_style, shown_characters

    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined
    )
    script = (FOLDER / "plan.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = _context(parts, language) | {"script": "", "style": "", "script_sha": digest}
    template = environment.get_template(TEMPLATE)
    # what the script may add is to have a font too
    bare = template.render(page=page) + "0123456789" + _say("ages", language)
    own = compact_css((FOLDER / "plan.css").read_text(encoding="utf-8"))
    page["style"] = Markup(page_style(shown_characters([bare]), language) + own)
    page["script"] = Markup(script)
    return template.render(page=page)


def _say(key: str, language: Language, **values: str) -> str:
    return message(f"plan_index.{key}", language, **values)


def _context(parts: Sequence[Part], language: Language) -> dict[str, Any]:
    """Return what the template takes."""
    names = [part.plan for part in parts]
    several = len(names) > 1
    title = (
        _say("title_several", language, plans=", ".join(names))
        if several
        else _say("title", language, plan=names[0])
    )
    other: Language = "zh" if language == "en" else "en"
    entries = [entry for part in parts for entry in part.entries]
    return {
        "lang": LANG_OF[language],
        "title": title,
        "words": {word: _say(word, language) for word in _WORDS}
        | {"other_language": OWN_NAMES[other]},
        "other": f"index.{other}.html",
        "other_lang": LANG_OF[other],
        "chips": _chips(entries, language),
        "plans": [_plan(part, n, language, several=several) for n, part in enumerate(parts)],
        "many": len(entries) > MANY,
    }


def _chips(entries: Sequence[Entry], language: Language) -> list[dict[str, str]]:
    counts = {state: sum(entry.state == state for entry in entries) for state in STATES}
    return [
        {"kind": state, "text": message(f"plan_index.count_{state}", language, count=number)}
        for state, number in counts.items()
        if number
    ]


def _plan(part: Part, number: int, language: Language, *, several: bool) -> dict[str, Any]:
    now = [entry for entry in part.entries if entry.state != EARLIER]
    before = [entry for entry in part.entries if entry.state == EARLIER]
    attention = _say("attention", language)
    tables = [_table(_kind(kind, language), "", same, language) for kind, same in _kinds(now)]
    if before:
        text = _say("earlier_text", language)
        tables.append(_table(_say("earlier", language), text, before, language))
    return {
        "number": number,
        "name": part.plan if several else "",
        "checked": _say("checked_of", language, plan=part.plan)
        if several
        else _say("checked", language),
        "problems": part.problems,
        "attention": list(_attention(now, language)),
        "attention_title": f"{attention} · {part.plan}" if several else attention,
        "tables": tables,
    }


def _kinds(entries: Iterable[Entry]) -> list[tuple[str, list[Entry]]]:
    """Return the studies of each notebook, in the plan's order."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.kind, []).append(entry)
    return list(found.items())


def _kind(notebook: str, language: Language) -> str:
    """Return what a table of studies is called: our notebooks have names, others their file's."""
    known = f"kind_{notebook}"
    return _say(known, language) if known in catalogue("plan_index") else notebook


def _attention(entries: Sequence[Entry], language: Language) -> Iterator[dict[str, Any]]:
    """Give what is said of the studies that are not current: those of one reason together."""
    alike: dict[tuple[str, tuple[str, ...]], list[Entry]] = {}
    for entry in sorted(entries, key=lambda one: STATES.index(one.state)):
        if entry.state != "current":
            alike.setdefault((entry.state, entry.reasons), []).append(entry)
    for (state, reasons), same in alike.items():
        shown = [reason_in(reason, language) for reason in islice(reasons, MOST_REASONS)]
        more = len(same) - MOST_NAMED
        yield {
            "kind": state,
            "state": _say(f"state_{state}", language),
            "reasons": [
                {"text": text, "lang": "" if spoken == language else LANG_OF[spoken]}
                for text, spoken in shown
            ],
            "studies": [_named(entry, language) for entry in same[:MOST_NAMED]],
            "more": _say("more", language, number=str(more)) if more > 0 else "",
        }


def _named(entry: Entry, language: Language) -> dict[str, Any]:
    """Return a report's name, where it is, and how old it is."""
    there = bool(entry.report and entry.published)
    return {
        "name": entry.name,
        "language": _say(f"language_{entry.language}", language),
        "href": quote(entry.report),
        "good": _say("last_good" if there else "no_good", language),
        "moment": moment_text(entry.published) if there else "",
        "datetime": entry.published if there else "",
        "left": quote(entry.left),
    }


def _table(title: str, text: str, entries: Sequence[Entry], language: Language) -> dict[str, Any]:
    axes = tuple(dict.fromkeys(axis for entry in entries for axis in entry.axes))
    rows = _rows(entries, language)
    own = {entry.level for entry in entries if entry.level}
    figures = [figure for row in rows for figure in row[0].figures]
    columns = tuple(dict.fromkeys((figure.name, figure.own) for figure in figures))
    # what is counted stands last, also where some studies lack what stands before it
    columns = tuple(sorted(columns, key=lambda column: column == ("n", False)))
    headings = [_heading(name, language, own=own_) for name, own_ in columns]
    notes = [_say("standards", language)] if any(one["rule"] for one in headings) else []
    if any(figure.low is not None for figure in figures):
        ours = {name for name, own_ in columns if not own_}
        notes.insert(0, _intervals(own, ours, language))
    groups = _groups(rows, axes)
    return {
        "title": title,
        "text": text,
        "notes": notes,
        "axes": axes,
        "figures": headings,
        "jump": [name for name, _ in groups] if len(rows) > MANY and len(groups) > 1 else [],
        "groups": [[_row(same, axes, columns, language) for same in group] for _, group in groups],
    }


def _rows(entries: Sequence[Entry], language: Language) -> list[list[Entry]]:
    """Return the reports of each row: a study in several languages, where they stand alike."""
    alike: dict[tuple[Any, ...], list[Entry]] = {}
    for entry in entries:
        numbers = tuple((one.value, one.low, one.high) for one in entry.figures)
        alike.setdefault((entry.name, entry.state, numbers), []).append(entry)
    order = (language, *LANGUAGES)
    return [sorted(same, key=lambda one: order.index(one.language)) for same in alike.values()]


def _groups(rows: list[list[Entry]], axes: Sequence[str]) -> list[tuple[str, list[list[Entry]]]]:
    """Return the rows of each value of the first axis."""
    found: dict[str, list[list[Entry]]] = {}
    for row in rows:
        found.setdefault(row[0].axes.get(axes[0], "") if axes else "", []).append(row)
    return list(found.items())


def _row(
    same: Sequence[Entry],
    axes: Iterable[str],
    columns: Sequence[tuple[str, bool]],
    language: Language,
) -> dict[str, Any]:
    entry = same[0]
    oldest = min(one.published for one in same)
    known = {(figure.name, figure.own): figure for figure in entry.figures}
    return {
        "name": entry.name,
        "href": quote(entry.report),
        "reports": [
            {
                "language": _say(f"language_{one.language}", language),
                "href": quote(one.report),
                "lang": LANG_OF[one.language],
            }
            for one in same
        ],
        "kind": entry.state,
        "state": _say(f"state_{entry.state}", language),
        "places": [entry.axes.get(axis, "") for axis in axes],
        "figures": [_cell(known.get(column), language) for column in columns],
        "moment": moment_text(oldest),
        "datetime": oldest,
    }


def _heading(name: str, language: Language, *, own: bool) -> dict[str, str]:
    if own or name not in _FORMS:
        return {"text": name, "rule": ""}
    rule = _FORMS[name][1]
    return {"text": _say(f"figure_{name}", language), "rule": threshold(rule) if rule else ""}


def _cell(figure: Figure | None, language: Language) -> dict[str, str]:
    """Return a key figure as people read it: of what, the number, its interval."""
    if figure is None:
        return {"of": "", "value": "", "interval": "", "tone": "", "missed": ""}
    form, rule = ("number", "") if figure.own else _FORMS.get(figure.name, ("number", ""))
    value = float(figure.value)
    if figure.own and value.is_integer():
        form = "count"
    name, digits = (form[:-1], 3) if form.endswith("3") else (form, 2)
    of: Literal["number", "correlation"] = "correlation" if name == "correlation" else "number"
    missed = bool(rule) and not standard(rule).met_by(value)
    known = figure.low is not None or figure.high is not None
    return {
        "of": figure.of,
        "value": format_value(value, form),
        "interval": format_interval(figure.low, figure.high, digits, of=of) if known else "",
        "tone": "under" if missed else "",
        "missed": _say("missed", language) if missed else "",
    }


def _intervals(levels: set[str], names: set[str], language: Language) -> str:
    """Return which level the intervals in brackets have; ``names`` are our own figures."""
    level = next(iter(levels)) if len(levels) == 1 else ""
    try:
        shown = format_value(float(level), "share") if level else ""
    except ValueError:
        shown = ""
    if "rmsea" in names:  # its interval is of 90 % whatever the study's level is
        shown = format_value(0.9, "share")
    return _say("intervals", language, level=shown) if shown else _say("intervals_own", language)
