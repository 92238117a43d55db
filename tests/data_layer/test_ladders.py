"""Words as numbers: known ladders are numbered, anything doubtful is left to a person."""

import pytest

from servlab.data.ladders import ladder_of, says_nothing

KNOWN = {
    "agreement, zh": ("非常不同意 不同意 一般 同意 非常同意", 5),
    "agreement of seven, zh": ("完全不同意 不同意 有点不同意 一般 有点同意 同意 完全同意", 7),
    "satisfaction, zh": ("很不满意 不太满意 一般 比较满意 很满意", 5),
    "satisfaction, traditional": ("非常不滿意 不滿意 普通 滿意 非常滿意", 5),
    "importance, zh": ("非常不重要 不重要 一般 重要 非常重要", 5),
    "frequency, zh": ("从不 很少 有时 经常 总是", 5),
    "agreement, en": (
        "Strongly disagree|Disagree|Neither agree nor disagree|Agree|Strongly agree",
        5,
    ),
    "agreement of seven, en": (
        "Strongly disagree|Disagree|Slightly disagree|Neutral|Slightly agree|Agree|Strongly agree",
        7,
    ),
    "satisfaction, Qualtrics": (
        "Extremely dissatisfied|Somewhat dissatisfied|Neither satisfied nor dissatisfied"
        "|Somewhat satisfied|Extremely satisfied",
        5,
    ),
    "quality, one side": ("Poor|Fair|Good|Very good|Excellent", 5),
    "quality, two sides": ("Very poor|Poor|Fair|Good|Very good", 5),
    "importance, one side": (
        "Not at all important|Slightly important|Moderately important|Very important"
        "|Extremely important",
        5,
    ),
    "led by numbers": ("1 - 很差|2|3|4|5 - 很好", 5),
    "numbers in brackets": ("差（1分） 一般（2分） 中（3分） 好（4分） 优（5分）", 5),
    "points": ("1分 2分 3分 4分 5分", 5),
    "codes": ("A1 A2 A3 A4 A5", 5),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_known_words_are_numbered_from_the_low_end(name):
    text, points = KNOWN[name]
    words = text.split("|") if "|" in text else text.split()
    ladder = ladder_of(words)
    assert [ladder.values[word] for word in words] == list(range(1, points + 1))
    assert (ladder.low, ladder.high) == (1, points)
    shuffled = ladder_of(words[::-1])
    assert shuffled.values == ladder.values


def test_words_nobody_chose_keep_their_step():
    assert ladder_of(["同意", "非常不同意", "一般"]).values == {
        "同意": 4,
        "非常不同意": 1,
        "一般": 3,
    }
    assert ladder_of(["Agree", "Strongly agree"]).high == 5


def test_a_scale_without_a_middle_answer_says_that_it_is_taken_so():
    ladder = ladder_of(["Strongly disagree", "Disagree", "Agree", "Strongly agree"])
    assert (list(ladder.values.values()), ladder.high) == ([1, 2, 3, 4], 4)
    assert "nobody chose a middle answer" in ladder.doubt


@pytest.mark.parametrize(
    "words",
    [
        "非常满意 很满意 一般",  # two words for one step
        "同意 满意 一般",  # two questions
        "不完全同意 同意",  # a word between two steps
        "Agree|so lala",
        "男 女",
        "18-25 26-35 36-45",
        "A1 B2",
        "一般",
    ],
)
def test_what_is_doubtful_is_not_numbered(words):
    assert ladder_of(words.split("|") if "|" in words else words.split()) is None


@pytest.mark.parametrize("word", ["N/A", "Don’t know", "不适用", "（空）", " not applicable. "])
def test_words_that_say_no_answer_are_known(word):
    assert says_nothing(word)
    assert not says_nothing("一般")
