import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.text.dataset import TextData

ROWS = st.lists(st.tuples(st.text(min_size=1).filter(str.strip), st.integers(0, 2)), min_size=1, max_size=5)


def text_data(rows, label_names=("a", "b", "c"), name="mine"):
    texts, labels = zip(*rows, strict=True)
    return TextData(name, texts, np.array(labels), label_names)


@given(ROWS, ROWS)
def test_hash_is_equal_exactly_for_equal_texts_and_labels(one, other):
    assert (text_data(one).sha256 == text_data(other).sha256) == (one == other)
    assert text_data(one).sha256 == text_data(one, name="another name").sha256
    assert text_data(one).sha256 != text_data(one, label_names=("b", "a", "c")).sha256


@pytest.mark.parametrize("texts", [["ab", "c"], ["a", "bc"], ["abc"], ["a\x1e1\x1fb", "c"]])
def test_hash_tells_where_a_text_ends(texts):
    rows = [(text, 1) for text in texts]
    others = [["ab", "c"], ["a", "bc"], ["abc"], ["a", "b", "c"]]
    same = [text_data(rows).sha256 == text_data([(text, 1) for text in other]).sha256 for other in others]
    assert same == [other == texts for other in others]


def test_labels_as_another_list_of_names_keep_their_meaning():
    data = text_data([("x", 2), ("y", 0), ("z", 1)])
    assert data.labels_as(("c", "b")).tolist() == [0, -1, 1]


def test_selected_rows_come_in_the_order_asked_for():
    data = text_data([("x", 2), ("y", 0), ("z", 1)])
    assert data.select(np.array([2, 0, 2])) == ["z", "x", "z"]
    assert len(data) == 3
