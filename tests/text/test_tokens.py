import string
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nltk.tokenize import NLTKWordTokenizer

from snnlp_lava.text.tokens import clean, paper_tokens

# Pieces of which nltk's rules are made, to meet them more often than by chance.
PIECES = [
    "can",
    "not",
    "gim",
    "me",
    "gon",
    "na",
    "got",
    "ta",
    "lem",
    "wan",
    "'",
    "t",
    "is",
    "was",
    "d'ye",
    "more'n",
    " ",
]
PIECES += [*"«»“”\u2018\u2019„\u2012—…\u00d7é\u00a0\u200b\x01İK", *string.punctuation]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=20).map("".join)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("I don't KNOW", "i dont know"),
        ("good...bad", "goodbad"),
        ("great!<br /><br />Really", "greatbr br really"),
        ("snake_case _x_", "snake case x"),
        (" a\t b\r\n\u00a0c\u2003", "a b c"),
        ("it\u2019s “fine” \u2013 no?", "it\u2019s “fine” \u2013 no"),
        ("!?", ""),
    ],
)
def test_cleaning_is_the_papers(text, cleaned):
    assert clean(text) == cleaned


@given(TEXTS)
def test_a_cleaned_text_has_no_ascii_punctuation_no_capitals_and_single_spaces(text):
    cleaned = clean(text)
    assert not set(cleaned) & set(string.punctuation)
    assert cleaned == cleaned.lower() == " ".join(cleaned.split()) == clean(cleaned)


@given(TEXTS)
@example("cannot gimme gonna gotta lemme wanna cannots scannot wannabe lemmé gimme\u2019s")
def test_tokens_are_those_of_nltk_on_the_cleaned_text(text):
    assert paper_tokens(text) == NLTKWordTokenizer().tokenize(clean(text))


@given(TEXTS)
def test_tokens_are_the_cleaned_text_with_more_spaces(text):
    assert "".join(paper_tokens(text)) == clean(text).replace(" ", "")


def test_nltk_which_takes_seconds_to_import_is_not_needed_for_plain_words():
    code = "import sys; from snnlp_lava.text.tokens import paper_tokens; paper_tokens('some plain words, no more!')"
    run = subprocess.run(
        [sys.executable, "-c", code + "; print('nltk' in sys.modules)"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert run.stdout.strip() == "False", run.stderr
