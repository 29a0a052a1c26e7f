import re

import numpy as np
import pytest

from snnlp_lava.errors import InputError
from snnlp_lava.text.dataset import TEST, VALIDATION, TextData
from snnlp_lava.train.data import UNSEEN, prepare_data


def test_texts_without_any_word_are_refused_before_training():
    """They may have vectors, but the TF-IDF baseline that ends a training would have nothing to count."""
    data = TextData("faces", ["😀!", ":-("] * 15, np.arange(30) % 2, ("glad", "sad"))
    with pytest.raises(InputError, match=r"^data faces: no training text has a word of letters or digits$"):
        prepare_data(data)


KNOWN = ["this film", "a film"] * 20
FILES = {
    "word codes": ({"method": "snn-bin"}, "1 64\nfilm 5\n", "codes"),
    "word vectors": ({"level": "word"}, "film 1 2 3\nother 3 2 1\n", "words"),
}


@pytest.mark.parametrize(("options", "content", "name"), FILES.values(), ids=FILES)
def test_texts_without_a_known_word_are_counted_and_all_of_them_refused(
    tmp_path, cache_folder, caplog, options, content, name
):
    path = tmp_path / f"{name}.txt"
    path.write_text(content)

    def prepared(texts):
        caplog.clear()
        return prepare_data(TextData("mine", texts, np.arange(40) % 2, ("glad", "sad")), **options, **{name: path})

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
        return prepare_data(data, "spike-embedding", split_scheme="paper").class_summary()

    line = told("fine", " fine", "[red]", "a\x1bb")
    counts = [int(count) for count in re.findall(r" (\d+)(?:,|$)", line)]
    assert re.sub(r"\d+", "N", line) == r"N classes: fine N, ' fine' N, [red] N, 'a\xNbb' N"
    assert (line[0], sum(counts)) == ("4", 24)
    assert told(*(f"c{number:02}" for number in range(30))).endswith(", and 10 more")


def test_labels_that_training_never_saw_count_as_wrong_and_are_named(caplog):
    labels = np.array([0, 1] * 10 + [0, 2, 1, 2, 3, 0])
    splits = np.array(["train"] * 20 + ["validation"] * 3 + ["test"] * 3)
    texts = [f"this film is number {row}" for row in range(26)]
    data = TextData("mine", texts, labels, ("dull", "fine", "grim", "odd"), splits)
    prepared = prepare_data(data, "spike-embedding")
    assert prepared.label_names == ("dull", "fine")
    assert prepared.labels(VALIDATION).tolist() == [0, UNSEEN, 1]
    assert prepared.labels(TEST).tolist() == [UNSEEN, UNSEEN, 0]
    assert prepared.metadata["unseen_labels"] == {"validation": {"grim": 1}, "test": {"grim": 1, "odd": 1}}
    assert "2 of 3 test texts count as wrong: training has no grim, odd" in caplog.text


def test_options_and_sources_that_a_method_does_not_use_are_refused():
    data = TextData("mine", KNOWN, np.arange(40) % 2, ("glad", "sad"))
    with pytest.raises(InputError, match=r"^window 5 only applies to method snn-rate or .*, not ann$"):
        prepare_data(data, "ann", window=5)
    with pytest.raises(InputError, match=r"^windows is unknown \(known: .*window"):
        prepare_data(data, windows=5)
    with pytest.raises(InputError, match=r"^words w only applies to level word, not sentence$"):
        prepare_data(data, words="w")
    with pytest.raises(InputError, match=r"^codes c only applies to method snn-bin, not snn-rate$"):
        prepare_data(data, codes="c")
