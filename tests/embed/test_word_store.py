import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnlp_lava.embed.word_vectors import open_table, write_table
from snnlp_lava.files import sha256_of_file, write_json

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), min_size=1)


@given(st.lists(st.lists(WORDS, max_size=5), max_size=5), st.integers(1, 4))
def test_what_was_added_is_found_and_of_a_repeated_word_the_first(tmp_path, blocks, dimension):
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    expected, vector = {}, 0
    added = []
    for words in blocks:
        vectors = np.arange(vector, vector + len(words), dtype=np.float32)[:, None].repeat(dimension, axis=1)
        vector += len(words)
        added.append((words, vectors))
        for word, row in zip(words, vectors, strict=True):
            expected.setdefault(word, row)
    for table in (write_table(folder, dimension, added), open_table(folder)):
        assert list(table.words) == list(expected)
        assert list(table.words.values()) == list(range(len(expected)))
        np.testing.assert_array_equal(table.vectors, np.array(list(expected.values())).reshape(-1, dimension))
        assert not table.vectors.flags.writeable


def test_nothing_is_found_where_nothing_or_only_a_part_was_written(tmp_path, caplog):
    assert open_table(tmp_path / "none") is None

    def blocks():
        yield ["a"], np.ones((1, 2))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_table(tmp_path / "part", 2, blocks())
    assert list(tmp_path.iterdir()) == []
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("words", "vectors"),
    [
        ("a\n", np.ones((2, 2), np.float32)),
        ("a\na\n", np.ones((2, 2), np.float32)),
        ("a\nb", np.ones((2, 2), np.float32)),
        ("a\nb\n", np.ones((2, 2))),
        ("a\nb\n", np.ones(2, np.float32)),
        ("a\nb\n", np.array([["object"], [None]])),
    ],
)
def test_files_that_agree_with_their_hashes_but_not_with_each_other_are_no_table(tmp_path, caplog, words, vectors):
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "words.txt").write_text(words)
    np.save(tmp_path / "t" / "vectors.npy", vectors)
    write_json(
        tmp_path / "t" / "sha256.json", {n: sha256_of_file(tmp_path / "t" / n) for n in ("words.txt", "vectors.npy")}
    )
    assert open_table(tmp_path / "t") is None
    assert "is damaged" in caplog.text
    assert list(tmp_path.iterdir()) == []
