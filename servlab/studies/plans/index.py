"""The page over a plan's reports: how each stands, how old it is, its figures, and where it is.

``index.en.html`` and ``index.zh.html`` in the folder of reports; ``index.html`` is the one in the
plan's first language. They are written after every run of a plan, failed ones too, hold no script,
ask no host for anything, and know no "now": the moment of publication stands there, so that the
same state gives the same bytes. Several plans may share a folder: each has its part.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from servlab.core.errors import StudyError
from servlab.data.schema import LANGUAGES, Language
from servlab.presentation.formats import format_correlation, format_count, format_number
from servlab.presentation.html import LANG_OF, compact_css
from servlab.presentation.messages import message
from servlab.studies.manifest import code_sha256, run_key
from servlab.studies.plans.entries import (
    EARLIER,
    Entry,
    Figure,
    entries_of,
    keep_entries,
    moment_text,
    plans_in,
    read_entries,
)
from servlab.studies.plans.plan import Plan, Problem
from servlab.studies.plans.reasons import reason_in
from servlab.studies.plans.status import StudyState
from servlab.studies.publish import write_together
from servlab.studies.records import hash_of

STATES = ("current", "stale", "failed", "missing", "running", EARLIER)
OWN_NAMES = {"en": "English", "zh": "中文"}
_WORDS = ("skip", "lede", "nothing", "cannot_run", "cannot_run_text", "study", "state")
_WORDS_TOO = ("figures", "published", "never", "left", "made")
MOST_REASONS = 7
TEMPLATE = "plan.html.j2"
MADE = ".index.json"


@dataclass(frozen=True, slots=True)
class Part:
    """One plan on the page: its entries, and what is wrong with the plan."""

    plan: str
    entries: tuple[Entry, ...]
    problems: tuple[str, ...] = ()


def index_path(out: Path, language: str = "") -> Path:
    """Return where the page over a folder of reports stands."""
    return out / (f"index.{language}.html" if language else "index.html")


def publish_index(
    plan: Plan, states: Sequence[StudyState], *, problems: Sequence[Problem] = ()
) -> str:
    """Write the page over a plan's reports, in both languages.

    Parameters
    ----------
    plan : Plan
        The whole plan, whatever part of it was run.
    states : sequence of StudyState
        How each of its studies stands.
    problems : sequence of Problem
        What keeps the plan from being run.

    Returns
    -------
    str
        What went wrong; empty when nothing did. The pages stand as before then.
    """
    from filelock import FileLock

    entries = entries_of(plan, states)
    mine = Part(plan.name, entries, tuple(str(problem) for problem in problems))
    try:
        with FileLock(plan.out / "runs" / ".index.lock", mode=0o666):
            others = (name for name in plans_in(plan.out) if name != plan.name)
            parts = [mine, *(Part(name, read_entries(plan.out, name)) for name in others)]
            parts.sort(key=lambda part: part.plan)
            keep_entries(plan, entries)
            _publish(plan, parts)
    except (StudyError, OSError) as err:
        return f"the page over the reports could not be written: {err}"
    return ""


def _publish(plan: Plan, parts: Sequence[Part]) -> None:
    """Write the pages, unless they stand there already: drawing them costs over a second."""
    first = plan.studies[0].language if plan.studies else "en"
    told = plan.out / "runs" / MADE
    made = run_key({"of": [asdict(part) for part in parts], "first": first, "code": code_sha256()})
    if _stand(plan.out, told, made):
        return
    pages = {index_path(plan.out, spoken): index_page(parts, spoken) for spoken in LANGUAGES}
    pages[index_path(plan.out)] = pages[index_path(plan.out, first)]
    hashes = {path.name: hash_of(text) for path, text in pages.items()}
    write_together({**pages, told: json.dumps({"made": made, "files": hashes}) + "\n"})


def _stand(out: Path, told: Path, made: str) -> bool:
    """Return whether the pages are, byte for byte, those made of the same."""
    try:
        known = json.loads(told.read_text(encoding="utf-8"))
        files = {name: hash_of((out / name).read_bytes()) for name in known["files"]}
        return bool(known["made"] == made and known["files"] == files and files)
    except (OSError, ValueError, LookupError, TypeError):
        return False


def index_page(parts: Sequence[Part], language: Language) -> str:
    """Return the page over the reports of one or more plans; the same in gives the same out."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from servlab.studies.report import TEMPLATE as FOLDER
    from servlab.studies.report import page_style, shown_characters

    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined
    )
    page = _context(parts, language)
    page["style"] = ""
    template = environment.get_template(TEMPLATE)
    bare = template.render(page=page)
    own = compact_css((FOLDER / "plan.css").read_text(encoding="utf-8"))
    page["style"] = Markup(page_style(shown_characters([bare]), language) + own)
    return template.render(page=page)


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
        "words": {word: _say(word, language) for word in (*_WORDS, *_WORDS_TOO)}
        | {"other_language": OWN_NAMES[other]},
        "other": f"index.{other}.html",
        "other_lang": LANG_OF[other],
        "chips": _chips(entries, language),
        "plans": [_plan(part, n, language, several=several) for n, part in enumerate(parts)],
    }


def _say(key: str, language: Language, **values: str) -> str:
    return message(f"plan_index.{key}", language, **values)


def _chips(entries: Sequence[Entry], language: Language) -> list[str]:
    counts = {state: sum(entry.state == state for entry in entries) for state in STATES}
    return [
        message(f"plan_index.count_{state}", language, count=number)
        for state, number in counts.items()
        if number
    ]


def _plan(part: Part, number: int, language: Language, *, several: bool) -> dict[str, Any]:
    now = [entry for entry in part.entries if entry.state != EARLIER]
    before = [entry for entry in part.entries if entry.state == EARLIER]
    plan = {"plan": part.plan}
    title = _say("reports_of", language, **plan) if several else _say("reports", language)
    attention = _say("attention", language)
    return {
        "number": number,
        "problems": part.problems,
        "attention": [_attention(entry, language) for entry in now if entry.state != "current"],
        "attention_title": f"{attention} · {part.plan}" if several else attention,
        "parts": [
            _table(title, "", now, language),
            _table(_say("earlier", language), _say("earlier_text", language), before, language),
        ],
    }


def _attention(entry: Entry, language: Language) -> dict[str, Any]:
    """Return what is said of a study that is not current."""
    shown = [reason_in(reason, language) for reason in islice(entry.reasons, MOST_REASONS)]
    reasons = [
        {"text": text, "lang": "" if spoken == language else LANG_OF[spoken]}
        for text, spoken in shown
    ]
    good = (
        _say("last_good", language, moment=moment_text(entry))
        if entry.report and entry.published
        else _say("no_good", language)
    )
    return {**_named(entry, language), "reasons": reasons, "good": good, "left": quote(entry.left)}


def _named(entry: Entry, language: Language) -> dict[str, str]:
    return {
        "name": entry.name,
        "language": _say(f"language_{entry.language}", language),
        "href": quote(entry.report),
        "kind": entry.state,
        "state": _say(f"state_{entry.state}", language),
    }


def _table(title: str, text: str, entries: Sequence[Entry], language: Language) -> dict[str, Any]:
    axes = tuple(dict.fromkeys(axis for entry in entries for axis in entry.axes))
    return {
        "title": title,
        "text": text,
        "axes": axes,
        "rows": [_row(entry, axes, language) for entry in entries],
    }


def _row(entry: Entry, axes: Iterable[str], language: Language) -> Mapping[str, Any]:
    return {
        **_named(entry, language),
        "places": [entry.axes.get(axis, "") for axis in axes],
        "figures": [_figure(figure, language) for figure in entry.figures],
        "moment": moment_text(entry),
        "datetime": entry.published,
    }


def _figure(figure: Figure, language: Language) -> str:
    """Return a key figure as people read it."""
    value = float(figure.value)
    if figure.own:
        return f"{figure.name} {format_number(value)}"
    form = {"n": format_count, "r_squared": format_correlation}.get(figure.name, format_number)
    return _say(figure.name, language, value=form(value))
