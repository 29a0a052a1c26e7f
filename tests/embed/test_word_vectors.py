import gzip
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snnlp_lava.embed import glove as word_text
from snnlp_lava.embed import word_vectors
from snnlp_lava.embed.word_vectors import WordVectors, cached_word_vectors, open_word_vectors
from snnlp_lava.errors import InputError

KNOWN = ["good", "film", "not", "can", "nothing"]
VALUES = arrays("<f4", (5, 3), elements=st.floats(-8, 8, width=16))
TOKENS = st.lists(st.sampled_from([*KNOWN, "unheard", "of"]), max_size=12)
GLOVE = "good 1 2\ngood 7 7\nfilm -0.5 4\n"


def vectors_of(values):
    values = np.array(values, dtype=np.float32)
    values[KNOWN.index("nothing")] = 0
    return WordVectors({word: row for row, word in enumerate(KNOWN)}, values, "test", "0" * 64)


@given(VALUES, st.lists(TOKENS, max_size=5))
def test_a_text_is_the_mean_of_its_words_that_have_a_vector_other_than_zero(values, texts):
    vectors = vectors_of(values)
    found = vectors.embed([" ".join(tokens) for tokens in texts])
    assert (found.shape, found.dtype) == ((len(texts), 3), np.float32)
    for tokens, mean in zip(texts, found, strict=True):
        rows = [row for word in tokens if word in KNOWN and (row := vectors.vectors[KNOWN.index(word)]).any()]
        np.testing.assert_allclose(mean, np.mean(rows, axis=0) if rows else np.zeros(3), atol=1e-6)


@given(VALUES, TOKENS, st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_nor_unknown_words_matter(values, tokens, random):
    vectors = vectors_of(values)
    changed = [*tokens, *tokens, "unheard", "nothing"]
    random.shuffle(changed)
    both = vectors.embed([" ".join(tokens), " ".join(changed)])
    np.testing.assert_allclose(both[0], both[1], atol=1e-6)


def test_the_work_of_means_by_hand():
    vectors = vectors_of(np.ones((5, 3)))
    work = vectors.host_ops(["good good unheard film", "of", "can"])
    assert (work.title, work.unit, work.units) == ("test", "words", 4)
    # Three floats of 32 bits take two words; three vectors are added with two additions each, and two means divided.
    assert work.counts == {"table_word": 4 * 2, "addition": 2 * 3, "multiplication": 2 * 3}


def test_texts_are_cleaned_and_split_as_the_paper_does():
    vectors = vectors_of(np.eye(5, 3))
    both = vectors.embed(["GOOD... film; I cannot!", "good film can not"])
    np.testing.assert_array_equal(both[0], both[1])


def test_a_long_text_is_added_up_in_parts(monkeypatch):
    monkeypatch.setattr(word_vectors, "_BLOCK", 7)
    vectors = vectors_of(np.eye(5, 3))
    np.testing.assert_allclose(vectors.embed(["good " * 30 + "film nothing " * 10])[0], [0.75, 0.25, 0])


def test_texts_without_a_known_word_are_zero_and_counted_once(caplog):
    found = vectors_of(np.ones((5, 3))).embed(["good", "", "what?", "nothing", "film"])
    assert found.any(axis=1).tolist() == [True, False, False, False, True]
    assert [record.message for record in caplog.records] == ["3 of 5 texts have no word that test knows: zero vectors"]


def test_progress_adds_up_to_the_number_of_texts():
    done = []
    vectors_of(np.ones((5, 3))).embed(["good"] * 1000, done.append)
    assert len(done) > 1
    assert sum(done) == 1000


def test_rows_are_those_of_the_known_tokens_in_their_order():
    rows = vectors_of(np.ones((5, 3))).rows(["not", "unheard", "good", "not"])
    assert (rows.tolist(), rows.dtype) == ([2, 0, 2], np.int64)
    assert vectors_of(np.ones((5, 3))).rows([]).shape == (0,)


@pytest.fixture
def glove(tmp_path):
    path = tmp_path / "glove.2d.txt"
    path.write_text(GLOVE)
    return path


@pytest.fixture
def no_reading(monkeypatch):
    """From here on, no word vectors can be read from text."""
    return lambda: monkeypatch.setattr(word_vectors, "read_word_text", lambda path: pytest.fail("the text was read"))


def check(vectors):
    assert dict(vectors.words) == {"good": 0, "film": 1}
    assert (vectors.vectors.tolist(), vectors.vectors.dtype) == ([[1, 2], [-0.5, 4]], np.float32)
    assert (vectors.name, vectors.dimension) == ("glove.2d", 2)


def test_of_a_repeated_word_the_first_line_counts_also_across_blocks(glove, cache_folder, monkeypatch):
    monkeypatch.setattr(word_text, "_BLOCK", 1)
    check(open_word_vectors(glove))


def test_a_file_once_read_is_opened_from_the_cache_under_any_name(glove, cache_folder, no_reading):
    first = open_word_vectors(glove)
    check(first)
    no_reading()
    again = glove.rename(glove.with_name("glove.2d.vec"))
    check(open_word_vectors(again))
    assert open_word_vectors(again).sha256 == first.sha256
    assert isinstance(first.vectors, np.memmap)


def test_a_changed_file_and_a_packed_one_are_read_anew(glove, cache_folder):
    first = open_word_vectors(glove)
    packed = glove.with_name("glove.2d.txt.gz")
    packed.write_bytes(gzip.compress(GLOVE.encode()))
    check(open_word_vectors(packed))
    glove.write_text("good 3 4\n")
    second = open_word_vectors(glove)
    assert second.vectors.tolist() == [[3, 4]]
    assert second.sha256 != first.sha256
    check(first)


@pytest.mark.parametrize("file", ["words.txt", "vectors.npy", "sha256.json"])
@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "gone"])
def test_a_damaged_cache_is_made_anew(glove, cache_folder, no_reading, caplog, file, damage):
    open_word_vectors(glove)
    (path,) = cache_folder.glob(f"word-vectors-*/{file}")
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        flipped = content[:-2] + bytes([content[-2] ^ 1]) + content[-1:]
        path.write_bytes({"cut": content[:-3], "flip": flipped, "empty": b""}[damage])
    check(open_word_vectors(glove))
    assert "is damaged" in caplog.text
    no_reading()
    check(open_word_vectors(glove))


def test_what_cannot_be_read_leaves_nothing_in_the_cache(glove, cache_folder, monkeypatch):
    monkeypatch.setattr(word_text, "_BLOCK", 1)
    glove.write_text(GLOVE + "bad 1\n")
    with pytest.raises(InputError, match=r"line 4 .*2 numbers.* 1"):
        open_word_vectors(glove)
    assert list(cache_folder.iterdir()) == []


def test_a_missing_file_and_a_cache_that_cannot_be_written_are_refused(glove, tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"^word vectors .*none\.txt: no such file$"):
        open_word_vectors(tmp_path / "none.txt")
    monkeypatch.setenv("SNNLP_LAVA_CACHE", str(glove / "cache"))
    with pytest.raises(InputError, match=r"^cannot write .*glove\.2d\.txt/cache.*: Not a directory"):
        open_word_vectors(glove)


def test_a_large_file_is_not_held_in_memory(tmp_path, cache_folder, monkeypatch):
    monkeypatch.setattr(word_text, "_BLOCK", 1 << 16)
    line = " ".join(["0.12345"] * 100)
    with (tmp_path / "v.txt").open("w") as file:
        file.writelines(f"w{number} {line}\n" for number in range(10_000))  # 8 MB of text, 4 MB of vectors
    tracemalloc.start()
    try:
        vectors = open_word_vectors(tmp_path / "v.txt")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert vectors.vectors.shape == (10_000, 100)
    assert peak < 3_500_000  # of which the words take two


def test_vectors_read_before_are_found_by_their_hash_alone(tmp_path, cache_folder):
    (tmp_path / "glove.txt").write_text(GLOVE)
    sha256 = open_word_vectors(tmp_path / "glove.txt").sha256
    assert list(cached_word_vectors("glove", sha256).words) == ["good", "film"]
    (cache_folder / f"word-vectors-{sha256}").rename(tmp_path / "elsewhere")
    (cache_folder / "word-vectors-").mkdir()
    for asked in (sha256, "/../../elsewhere", "x" * 300, "None"):
        with pytest.raises(InputError, match=r"^word vectors glove .* are not in the cache; .*--words"):
            cached_word_vectors("glove", asked)
