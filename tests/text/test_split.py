import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from snnlp_lava.errors import InputError
from snnlp_lava.text.dataset import PARTS, SCHEMES, TextData, limit_rows, split_rows


def text_data(rows, labels=None, splits=None):
    labels = np.arange(rows) % 2 if labels is None else np.array(labels)
    splits = None if splits is None else np.array(splits)
    return TextData("mine", ["text"] * rows, labels, ("even", "odd", "other"), splits)


@st.composite
def data_with_and_without_split(draw):
    rows = draw(st.integers(20, 600))
    if draw(st.booleans()):
        return text_data(rows)
    names = draw(st.sampled_from([("train", "test"), ("train", "validation", "test"), ("test", "val", "training")]))
    return text_data(rows, splits=[names[row // 2 % len(names)] for row in range(rows)])


@given(data_with_and_without_split())
def test_paper_scheme_is_what_pandas_and_scikit_learn_draw(data):
    order = {"training": 0, "train": 0, "validation": 1, "val": 1, "test": 2}
    keys = [0] * len(data) if data.splits is None else [order[name] for name in data.splits]
    pooled = sorted(range(len(data)), key=lambda row: keys[row])
    shuffled = pd.DataFrame({"row": pooled}).sample(frac=1, random_state=2500)
    train, rest = train_test_split(shuffled, test_size=0.4, random_state=2500)
    test, validation = train_test_split(rest, test_size=0.25, random_state=2500)
    parts = split_rows(data, "paper")
    for part, expected in (("train", train), ("validation", validation), ("test", test)):
        np.testing.assert_array_equal(parts[part], expected["row"])


def test_paper_scheme_cuts_20000_rows_60_10_30():
    parts = split_rows(text_data(20_000), "paper")
    assert {part: len(rows) for part, rows in parts.items()} == {"train": 12_000, "validation": 2_000, "test": 6_000}


@given(data_with_and_without_split(), st.sampled_from(SCHEMES))
def test_parts_are_disjoint_complete_and_always_the_same(data, scheme):
    parts = split_rows(data, scheme)
    assert tuple(parts) == PARTS
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(data)))
    for part, rows in split_rows(data, scheme).items():
        np.testing.assert_array_equal(rows, parts[part])


@given(st.integers(0, 2**32 - 1), st.sampled_from([("train", "validation", "test"), ("Training", "dev", "TEST")]))
def test_official_scheme_keeps_the_sources_own_split(seed, names):
    codes = np.random.default_rng(seed).permutation(np.arange(60) % 3)
    data = text_data(60, np.random.default_rng(seed).permutation(np.arange(60) // 3 % 2), np.array(names)[codes])
    for code, part in enumerate(PARTS):
        np.testing.assert_array_equal(split_rows(data)[part], np.flatnonzero(codes == code))


@given(st.integers(20, 400), st.integers(1, 50))
def test_official_scheme_takes_validation_from_training_rows_alone(train, test):
    data = text_data(train + test, splits=["test"] * test + ["train"] * train)
    parts = split_rows(data)
    assert parts["test"].tolist() == list(range(test))
    assert len(parts["validation"]) == train // 10


@given(st.integers(20, 2000))
def test_official_scheme_cuts_data_without_split_80_10_10(rows):
    parts = split_rows(text_data(rows))
    assert len(parts["validation"]) == len(parts["test"]) == rows // 10
    # Drawn from everywhere, not cut off at the ends.
    assert rows < 200 or all(part.min() < rows / 2 < part.max() for part in parts.values())


@given(st.integers(1, 300), st.integers(1, 310), st.integers(1, 310))
def test_limited_rows_are_nested_ordered_and_always_the_same(count, one, other):
    rows = np.arange(count)[::-1] * 3
    low, high = sorted((one, other))
    small, large = limit_rows(rows, low), limit_rows(rows, high)
    assert (len(small), len(large)) == (min(low, count), min(high, count))
    assert set(small) <= set(large) <= set(rows)
    assert (np.diff(large) < 0).all()
    np.testing.assert_array_equal(limit_rows(rows, low), small)
    np.testing.assert_array_equal(limit_rows(rows, None), rows)


@pytest.mark.parametrize(
    ("data", "scheme", "message"),
    [
        (text_data(30), "random", r"split scheme 'random' is unknown \(known: official, paper\)"),
        (text_data(5), "official", "data mine: the validation split is empty; 5 rows are too few"),
        (text_data(1), "paper", "data mine: the train split is empty; 1 rows are too few"),
        (text_data(30, [1] * 30), "paper", "data mine: training needs .*two classes.* have only 'odd'"),
        (text_data(30, splits=["train"] * 30), "official", "the test split is empty; no row of the column split says"),
        (text_data(30, splits=["test"] * 30), "official", "data mine: the train split is empty; no row .* says train"),
        (
            text_data(30, splits=["train"] * 29 + ["holdout"]),
            "official",
            r"data mine: split 'holdout' is unknown \(known: train, validation, test\)",
        ),
    ],
)
def test_data_that_cannot_be_split_says_why(data, scheme, message):
    with pytest.raises(InputError, match=message):
        split_rows(data, scheme)


def test_a_class_without_training_rows_stays_in_the_other_splits():
    """Its rows count as wrong: to drop them would make the accuracy look better than it is."""
    data = text_data(32, [*[0, 1] * 15, 0, 2], ["train"] * 30 + ["test"] * 2)
    assert split_rows(data)["test"].tolist() == [30, 31]
    with pytest.raises(InputError, match="test rows have labels without a training row: 'other'"):
        split_rows(data, strict=True)


def test_of_a_thousand_such_classes_ten_are_named():
    names = tuple(f"class {number:04}" for number in range(1002))
    labels = np.array([0, 1] * 15 + list(range(1002)))
    data = TextData("mine", ["text"] * len(labels), labels, names, np.array(["train"] * 30 + ["test"] * 1002))
    with pytest.raises(InputError, match=r"test rows .*'class 0002', .*'class 0011' and 990 more$"):
        split_rows(data, strict=True)


def test_blanks_around_the_name_of_a_split_do_not_matter():
    data = text_data(30, splits=["train", "test ", " Validation"] * 10)
    assert [len(rows) for rows in split_rows(data).values()] == [10, 10, 10]
