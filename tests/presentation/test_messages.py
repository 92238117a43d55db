"""The catalogues themselves, and the function that reads them."""

import pytest

from servlab.core.errors import ServlabError
from servlab.presentation.messages import (
    catalogue,
    join_sentences,
    join_words,
    message,
    placeholders,
    topics,
)

KEYS = [f"{topic}.{name}" for topic in topics() for name in catalogue(topic)]


def _texts(key):
    topic, name = key.split(".")
    return catalogue(topic)[name]


@pytest.mark.parametrize("topic", topics())
def test_every_text_has_both_languages_with_the_same_placeholders(topic):
    for name, texts in catalogue(topic).items():
        assert {"en", "zh"} <= set(texts) <= {"en", "zh", "en_one"}, name
        assert placeholders(texts["en"]) == placeholders(texts["zh"]), name
        assert placeholders(texts.get("en_one", "")) <= placeholders(texts["en"]), name


@pytest.mark.parametrize("key", KEYS)
def test_no_english_sentence_stands_in_the_chinese_text(key):
    bare = _texts(key)["zh"]
    for name in placeholders(bare):
        bare = bare.replace(f"{{{name}}}", "")
    words = [w for w in bare.replace("**", " ").split() if w.isascii() and w.isalpha()]
    assert len([w for w in words if w.islower() and len(w) > 3]) < 3, bare


@pytest.mark.parametrize("key", KEYS)
def test_no_chinese_character_stands_in_the_english_text(key):
    assert not any("\u4e00" <= c <= "\u9fff" for c in _texts(key)["en"])


def test_a_count_of_one_takes_the_singular_in_english():
    name = next(
        k for k in KEYS if "en_one" in _texts(k) and placeholders(_texts(k)["en"]) <= {"count"}
    )
    assert message(name, "en", count=1) == _texts(name)["en_one"].format(count="1")
    assert "1,200" in message(name, "en", count=1200)


def test_an_unknown_key_a_missing_and_a_needless_value_are_errors():
    with pytest.raises(ServlabError, match=r"no message 'common\.nothing'"):
        message("common.nothing", "en")
    with pytest.raises(ServlabError, match="no catalogue of messages for the topic 'absent'"):
        message("absent.x", "en")
    with pytest.raises(
        ServlabError, match=r"has the placeholders \['number'\]; got values for \[\]"
    ):
        message("common.figure_number", "en")
    with pytest.raises(ServlabError, match="got values for"):
        message("common.note", "en", extra="1")


def test_a_number_that_is_not_yet_text_is_refused():
    with pytest.raises(ServlabError, match=r"format \['number'\] with presentation"):
        message("common.figure_number", "en", number=1)


def test_a_language_beyond_the_two_is_refused():
    with pytest.raises(ServlabError, match="must be 'en' or 'zh'; got 'fr'"):
        message("common.note", "fr")


def test_words_and_sentences_join_as_each_language_does():
    assert join_words(["a"], "en") == "a"
    assert join_words(["a", "b"], "zh") == "a和b"
    assert join_sentences(["A.", "", "B."], "en") == "A. B."
    assert join_sentences(["甲。", "乙。"], "zh") == "甲。乙。"


def test_a_placeholder_with_a_format_is_refused():
    with pytest.raises(ServlabError, match="plain name in braces"):
        placeholders("{x:.2f}")
