"""Every sentence, heading and word of ours, in English and Chinese.

A catalogue is a TOML file ``messages/<topic>.toml``; each of its keys is a table with the
texts ``en`` and ``zh``, and ``en_one`` where English needs a singular. Placeholders are
plain names in braces, the same in all texts of a key; the values put in are text already
(``formats`` makes it). ``{limit_kmo}`` and ``{source_kmo}`` are the value and the source of a
judgement standard of ``core/standards.py`` and need not be given. ``**word**`` in a text is
drawn bold by ``display`` and ``html``.
"""

import string
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from servlab.core.errors import ServlabError
from servlab.data.schema import LANGUAGES, Language
from servlab.presentation.formats import format_count


def message(key: str, language: Language, *, count: int | str | None = None, **values: str) -> str:
    """Return a text of the catalogues with its placeholders filled.

    Parameters
    ----------
    key : str
        "topic.name": the catalogue file and the table in it.
    language : {"en", "zh"}
        The language of the text.
    count : int or str, optional
        What fills the placeholder ``{count}``, if there is one. A whole number is formatted
        here, and 1 chooses the singular ``en_one``.
    **values : str
        A text for each other placeholder, formatted already.

    Raises
    ------
    ServlabError
        When the key is unknown, a placeholder has no value, a value has no placeholder, or
        a value is not text.

    Examples
    --------
    >>> message("common.figure_number", "zh", number="1")
    '图 1'
    """
    texts = catalogue(key.partition(".")[0]).get(key.partition(".")[2])
    if texts is None:
        raise ServlabError(f"no message {key!r} in the catalogues; add it in both languages.")
    if language not in LANGUAGES:
        raise ServlabError(f"a message's language must be 'en' or 'zh'; got {language!r}.")
    chosen = "en_one" if (language, count) == ("en", 1) and "en_one" in texts else language
    filled = dict(values)
    if count is not None and ("count" in placeholders(texts["en"]) or isinstance(count, str)):
        filled["count"] = format_count(count) if isinstance(count, int) else count
    needed = placeholders(texts["en"])
    filled |= _standards(needed - filled.keys(), language)
    _check_values(key, needed, filled)
    return texts[chosen].format_map(filled)


def _standards(names: frozenset[str], language: Language) -> dict[str, str]:
    """Return the values of ``{limit_kmo}`` and ``{source_kmo}``: judgement standards by name."""
    from servlab.presentation.standards import limit_text, source_text  # which needs messages

    found = {}
    for name in names:
        kind, _, standard = name.partition("_")
        if kind == "limit" and standard:
            found[name] = limit_text(standard)
        elif kind == "source" and standard:
            found[name] = source_text(standard, language)
    return found


def join_words(words: Sequence[str], language: Language) -> str:
    """Return words as a list in a sentence.

    Examples
    --------
    >>> join_words(["reliability", "empathy", "assurance"], "en")
    'reliability, empathy and assurance'
    >>> join_words(["可靠性", "移情性", "保证性"], "zh")
    '可靠性、移情性和保证性'
    """
    if len(words) < 2:
        return "".join(words)
    comma, last = (", ", " and ") if language == "en" else ("、", "和")
    return comma.join(words[:-1]) + last + words[-1]


def join_sentences(sentences: Sequence[str], language: Language) -> str:
    """Return sentences as a paragraph: with a space between them in English, none in Chinese."""
    return (" " if language == "en" else "").join(text for text in sentences if text)


@cache
def catalogue(topic: str) -> Mapping[str, Mapping[str, str]]:
    """Return the texts of a topic: name -> language -> text."""
    path = files("servlab.presentation") / "messages" / f"{topic}.toml"
    if not topic.isidentifier() or not path.is_file():
        raise ServlabError(f"no catalogue of messages for the topic {topic!r}.")
    texts: dict[str, dict[str, str]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return texts


def topics() -> list[str]:
    """Return the topics that have a catalogue, in order."""
    folder = files("servlab.presentation") / "messages"
    names = [entry.name for entry in folder.iterdir()]
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def placeholders(text: str) -> frozenset[str]:
    """Return the names in braces of a text; anything but plain names is an error."""
    names = set()
    for _, name, spec, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        if not name.isidentifier() or spec or conversion:
            raise ServlabError(f"a placeholder must be a plain name in braces; got {text!r}.")
        names.add(name)
    return frozenset(names)


def _check_values(key: str, needed: frozenset[str], values: Mapping[str, object]) -> None:
    if needed != set(values):
        raise ServlabError(
            f"message {key!r} has the placeholders {sorted(needed)}; "
            f"got values for {sorted(values)}."
        )
    unformatted = sorted(name for name, value in values.items() if not isinstance(value, str))
    if unformatted:
        raise ServlabError(
            f"message {key!r} takes text; format {unformatted} with presentation.formats first."
        )
