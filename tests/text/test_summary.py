"""What train says about texts before it trains."""

import numpy as np
import pytest

from snnlp_lava.text.dataset import TEST, TRAIN, VALIDATION, TextData
from snnlp_lava.text.summary import summarise


def summary(texts, labels=None, train=None):
    count = len(texts)
    labels = np.arange(count) % 2 if labels is None else np.array(labels)
    train = count - 2 if train is None else train
    rows = {TRAIN: np.arange(train), VALIDATION: np.arange(train, count - 1), TEST: np.arange(count - 1, count)}
    return "\n".join(summarise(TextData("made", texts, labels, ("a", "b")), rows))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("What is the way to the station and is it far?", "English"),
        ("Ich will nicht, dass die Lieferung zu spät ist und das kalt", "German"),
        ("Je ne sais pas que les plats et la sauce sont froids", "French"),
        ("No me gusta que la comida y los postres es fría", "Spanish"),
        ("外卖送得很快 味道不错", "Chinese signs"),
        ("Доставка была быстрой", "Cyrillic letters"),
        ("12 + 3", "no letters"),
        ("zxq vrt plk mmn", "unknown language"),
    ],
)
def test_the_writing_is_named_and_the_language_guessed(text, wanted):
    assert wanted in summary([text] * 5)


def test_rows_and_lengths_are_counted():
    said = summary(["a b c"] * 8 + ["d", "e"], [0] * 8 + [1, 1])
    assert "8 train, 1 validation, 1 test" in said
    assert "3 words (5 characters)" in said
    assert "duplicates" not in said


def test_texts_in_two_splits_or_with_two_labels_are_counted_however_they_are_written():
    said = summary(["One  text", "one text", "another", "ONE text", "new"], [0, 1, 0, 0, 1])
    assert "1 validation texts are also in training" in said
    assert "1 training texts have several labels" in said
    assert "test texts" not in said
