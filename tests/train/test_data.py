import re

import numpy as np
import pytest

from snnlp_lava.errors import InputError
from snnlp_lava.text.dataset import TextData
from snnlp_lava.train.data import Origin, prepare
from snnlp_lava.train.methods.base import TrainConfig


def test_texts_without_any_word_are_refused_before_training():
    """They may have vectors, but the TF-IDF baseline that ends a training would have nothing to count."""
    data = TextData("faces", ["😀!", ":-("] * 15, np.arange(30) % 2, ("glad", "sad"))
    with pytest.raises(InputError, match=r"^data faces: no training text has a word of letters or digits$"):
        prepare(data, TrainConfig(), "official", None, Origin())


KNOWN = ["this film", "a film"] * 20
FILES = {
    "word codes": (TrainConfig.defaults_for("snn-bin"), "1 64\nfilm 5\n", "codes"),
    "word vectors": (TrainConfig(level="word"), "film 1 2 3\nother 3 2 1\n", "words"),
}


@pytest.mark.parametrize(("config", "content", "name"), FILES.values(), ids=FILES)
def test_texts_without_a_known_word_are_counted_and_all_of_them_refused(
    tmp_path, cache_folder, caplog, config, content, name
):
    path = tmp_path / f"{name}.txt"
    path.write_text(content)
    origin = Origin(**{name: path})

    def prepared(texts):
        caplog.clear()
        return prepare(TextData("mine", texts, np.arange(40) % 2, ("glad", "sad")), config, "official", None, origin)

    prepared(KNOWN)
    assert caplog.text == ""
    prepared(["ein Buch", "das Buch", *KNOWN[2:]])
    assert f"2 of 40 texts have no word that {name} knows" in caplog.text
    with pytest.raises(InputError, match=rf"^data mine: no training text has a word that {name} knows; is it"):
        prepared(["ein Buch", "das Buch"] * 20)


def test_classes_are_told_with_their_training_rows():
    """Labels that look alike are told apart; of many the first are named."""

    def told(*names):
        labels = np.arange(10 * len(names)) % len(names)
        data = TextData("mine", ["a film"] * len(labels), labels, names)
        return prepare(data, TrainConfig.defaults_for("spike-embedding"), "paper", None, Origin()).classes_text()

    line = told("fine", " fine", "[red]", "a\x1bb")
    counts = [int(count) for count in re.findall(r" (\d+)(?:,|$)", line)]
    assert re.sub(r"\d+", "N", line) == r"N classes: fine N, ' fine' N, [red] N, 'a\xNbb' N"
    assert (line[0], sum(counts)) == ("4", 24)
    assert told(*(f"c{number:02}" for number in range(30))).endswith(", and 10 more")
