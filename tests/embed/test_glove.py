import gzip

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snnlp_lava.embed import glove as word_file
from snnlp_lava.embed import glove as word_text
from snnlp_lava.embed.glove import read_word_text
from snnlp_lava.errors import InputError

# Any character but those that end a line or a word; U+0085 and U+2028 end no line here.
WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \t\r\n\ufeff"), min_size=1)
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def tables(draw):
    """Words, perhaps with a space inside, and a vector for each."""
    words = draw(st.lists(WORDS, min_size=1, max_size=8))
    spaced = [f"{word} {draw(st.sampled_from(['.', '. .', 'name@domain.com', '1/2']))}" for word in words[1:3]]
    shape = (len(words) + len(spaced), draw(st.integers(1, 5)))
    return words + spaced, draw(arrays("<f4", shape, elements=FLOATS))


def lines_of(words, vectors):
    return [f"{word} {' '.join(map(repr, vector.tolist()))}" for word, vector in zip(words, vectors, strict=True)]


def read(path):
    blocks = list(read_word_text(path))
    return [word for words, _ in blocks for word in words], np.vstack([vectors for _, vectors in blocks])


@given(tables(), st.booleans(), st.booleans(), st.sampled_from(["\n", "\r\n", " \n", "\n\n"]), st.integers(1, 200))
@example(([".", ". ."], np.zeros((2, 3), np.float32)), False, False, "\n", 1)
def test_written_vectors_are_read_unchanged(tmp_path, table, header, packed, end, block):
    words, vectors = table
    lines = lines_of(words, vectors)
    assume(header or not word_text._HEADER.fullmatch(lines[0].encode()))
    text = end.join([f"{len(words)} {vectors.shape[1]}"] * header + lines + [""] * (block % 2)).encode()
    path = tmp_path / "vectors.txt"
    path.write_bytes(gzip.compress(text) if packed else text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_text, "_BLOCK", block)
        found, values = read(path)
    assert found == words
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, vectors)


def test_a_byte_order_mark_is_no_part_of_the_first_word(tmp_path):
    (tmp_path / "v.txt").write_text("a 1 2\n", "utf-8-sig")
    assert read(tmp_path / "v.txt")[0] == ["a"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", ".*no words"),
        ("\n \n", ".*no words"),
        ("3 2\n", ".*no words"),
        ("word\n", "line 1 .*numbers"),
        ("1 0\nword\n", "line 2 .*no numbers"),
        ("word\t1\t2\n", "line 1 .*no numbers"),
        ("a 1 2\nb 1\n", "line 2 .*2 numbers.* 1"),
        ("a 1 2\n\nb\n", "line 3 .*2 numbers.* 0"),
        ("a 1 2\nb 1 2 3\n", "line 2 .*2 numbers.* more"),
        ("a 1 2\nb 1 2c 3 4\n", "line 2 .*2 numbers.* more"),
        ("a 1 2\n 1 2\n", "line 2 has no word"),
        ("1 2\na 1 x\n", "line 2, word 'a': 'x'.* finite number"),
        ("a 1 2\nb 1  2\n", "line 2 .*2 numbers.* more"),
        ("a 1 2\nb c  2\n", "line 2, word 'b c': ''.* finite number"),
        ("a 1 2\nb  2\n", "line 2, word 'b': ''.* finite number"),
        ("a  2\n", "line 1, word 'a': ''.* finite number"),
        ("a 1 2\nb 1\t3 2\nc  4", r"line 2, word 'b': '1\\t3'.* finite number"),
        ("a 1 2\nb 1 1-2\nc  4", "line 2, word 'b': '1-2'.* finite number"),
        ("a 1 2\nb 1 1e\n", "line 2, word 'b': '1e'.* finite number"),
        ("a 1 2\nb 1 nan\n", "line 2, word 'b': 'nan'.* finite number"),
        ("a 1 2\nb -inf 1\n", "line 2, word 'b': '-inf'.* finite number"),
        ("a 1 2\nb 1 1e39\n", "line 2, word 'b': '1e39'.* finite number"),
        ("a 1 2\nb 1 1_0\n", "line 2, word 'b': '1_0'.* finite number"),
        ("3 2\na 1 2\nb 1 2\n", "has 2 words, but its first line says 3; is it complete"),
        ("1 2\na 1 2\nb 1 2\n", "has 2 words, but its first line says 1; is it complete"),
        (b"a 1 2\n\xff 1 2\n", "line 2: the word is not UTF-8"),
        (b"PK\x03\x04", "is a zip archive; unpack it"),
        (gzip.compress(b"a 1 2\n" * 99)[:-9], "is a damaged gzip file: "),
        (b"\x1f\x8b\x08\x00" + bytes(20), "is a damaged gzip file: "),
        (b"\x1f\x8b\x07\x00" + bytes(20), "is a damaged gzip file: "),
    ],
)
def test_a_malformed_file_is_refused_by_its_line(tmp_path, content, message):
    path = tmp_path / "v.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=rf"^word vectors .*v\.txt: {message}") as refused:
        read(path)
    assert "\n" not in str(refused.value)


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(word_file, "_LONGEST", 1000)
    (tmp_path / "v.gz").write_bytes(gzip.compress(b"a 1 2\nb " + bytes(10_000_000)))
    with pytest.raises(InputError, match="line 2 is longer than 1000 bytes; is it a text file"):
        read(tmp_path / "v.gz")


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read(tmp_path)


LIKE_A_FILE = st.lists(
    st.sampled_from(
        ["word", "1", "2.5", "-1e-3", "nan", " ", " ", "\n", "\t", "2 1\n", ".", "e", "-", "+", "é", "1e999"]
    )
).map(lambda parts: "".join(parts).encode())


@given(st.binary() | LIKE_A_FILE | LIKE_A_FILE.map(gzip.compress) | st.binary().map(gzip.compress))
def test_whatever_is_read_has_finite_vectors_and_all_else_is_an_input_error(tmp_path, content):
    (tmp_path / "v.txt").write_bytes(content)
    try:
        words, vectors = read(tmp_path / "v.txt")
    except InputError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert len(words) == len(vectors) > 0
        assert np.isfinite(vectors).all()
