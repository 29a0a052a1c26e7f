import contextlib
import gzip
import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snnlp_lava.embed.word_codes import bits_of, codes_from_arrays, codes_of, read_word_codes, write_word_codes
from snnlp_lava.errors import InputError

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \t\n\ufeff"), min_size=1)
CODES = arrays("u8", st.integers(1, 20))


@given(CODES)
def test_bit_k_has_the_value_two_to_the_k(codes):
    bits = bits_of(codes)
    assert (bits.shape, bits.dtype) == ((len(codes), 64), np.uint8)
    assert [sum(int(bit) << k for k, bit in enumerate(row)) for row in bits] == codes.tolist()
    np.testing.assert_array_equal(codes_of(bits), codes)


@given(st.integers(1, 64).flatmap(lambda bits: arrays(bool, st.tuples(st.integers(1, 9), st.just(bits)))))
def test_codes_of_fewer_bits_leave_the_high_ones_zero(bits):
    codes = codes_of(bits)
    assert codes.dtype == np.uint64
    np.testing.assert_array_equal(bits_of(codes)[:, : bits.shape[1]], bits)
    assert not bits_of(codes)[:, bits.shape[1] :].any()


@given(st.lists(WORDS, min_size=1, max_size=8, unique=True), st.integers(1, 64), st.data())
def test_written_codes_are_read_unchanged_plain_and_packed(tmp_path, words, bits, data):
    codes = np.array([data.draw(st.integers(0, (1 << bits) - 1)) for _ in words], dtype=np.uint64)
    path = tmp_path / "codes.txt"
    made = codes_from_arrays({word: row for row, word in enumerate(words)}, codes, bits, "codes")
    write_word_codes(path, made)
    assert made.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    (tmp_path / "codes.txt.gz").write_bytes(gzip.compress(path.read_bytes()))
    for read in (read_word_codes(path), read_word_codes(tmp_path / "codes.txt.gz")):
        assert list(read.words) == words
        assert (read.bits, read.name, read.codes.dtype) == (bits, "codes", np.uint64)
        np.testing.assert_array_equal(read.codes, codes)
    assert read_word_codes(path).sha256 == made.sha256


def test_the_format_is_a_word_and_its_whole_code_on_a_line(tmp_path):
    (tmp_path / "c.txt").write_text("3 64\ngood 18446744073709551615\nbad 5\ngood 7\n")
    codes = read_word_codes(tmp_path / "c.txt")
    assert dict(codes.words) == {"good": 0, "bad": 1}
    assert bits_of(codes.codes)[0].all()
    assert np.flatnonzero(bits_of(codes.codes)[1]).tolist() == [0, 2]
    write_word_codes(tmp_path / "d.txt", codes)
    assert (tmp_path / "d.txt").read_text() == "2 64\ngood 18446744073709551615\nbad 5\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1 .*number of words.* bits"),
        (b"good 5\n", "line 1 .*number of words"),
        (b"1 64 1\na 5\n", "line 1 .*number of words"),
        (b"1 0\na 0\n", ".*1 to 64 .*0$"),
        (b"1 128\na 5 6\n", ".*1 to 64 .*128$"),
        (b"1 64\n", ".*no words"),
        (b"2 64\na 5\n", "has 1 words, but its first line says 2; is it complete"),
        (b"0 64\na 5\n", "has 1 words, but its first line says 0; is it complete"),
        (b"1 64\na 18446744073709551616\n", r"line 2: .*decimal integer below 2\^64.*'18446744073709551616'"),
        (b"2 8\na 255\n\nb 256\n", r"line 4: .*decimal integer below 2\^8.*'256'"),
        (b"1 64\na -5\n", "line 2: .*decimal integer.*'-5'"),
        (b"1 64\na 0x5\n", "line 2: .*decimal integer.*'0x5'"),
        (b"1 64\na " + b"9" * 5000, "line 2: .*decimal integer.*'9{40}'"),
        (b"2 64\na 5\nb " + b"01" * 32, r"line 3: .*decimal integer below 2\^64.*'(01){20}'"),
        (b"1 64\na 0110\n", "line 2: .*decimal integer.*'0110'"),
        (
            b"2 64\na 5\nfilm 0 1 1 0\n",
            r"line 3: the word 'film 0 1 1' contains white space .*count bits",
        ),
        (b"1 64\na\tb 5\n", r"line 2: the word 'a\\tb' contains white space"),
        (b"1 64\na\t5\n", "line 2: .* decimal integer"),
        (b"1 64\na\xff 5\n", "line 2: the word is not UTF-8"),
        (b"1 64\n 5\n", "line 2 has no word"),
        (b"1 64\n5\n", "line 2 has no word"),
        (b"PK\x03\x04", "is a zip archive"),
        (gzip.compress(b"1 64\na 5\n")[:-5], "is a damaged gzip file"),
    ],
)
def test_a_malformed_file_is_refused_by_its_line(tmp_path, content, message):
    (tmp_path / "c.txt").write_bytes(content)
    with pytest.raises(InputError, match=rf"^word codes .*c\.txt: {message}"):
        read_word_codes(tmp_path / "c.txt")


def test_a_text_is_known_if_one_of_its_words_spikes():
    codes = codes_from_arrays({"good": 0, "void": 1}, np.array([5, 0], dtype=np.uint64), 64, "codes")
    assert [codes.knows(text) for text in ("Good!", "good grief", "void", "grief")] == [True, True, False, False]


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"^word codes .*none\.txt: no such file"):
        read_word_codes(tmp_path / "none.txt")


@given(st.binary() | st.lists(st.sampled_from([b"2 8\n", b"a", b"255", b" ", b"\n", b"-1"])).map(b"".join))
def test_random_bytes_raise_nothing_but_an_input_error(tmp_path, content):
    (tmp_path / "c.txt").write_bytes(content)
    with contextlib.suppress(InputError):
        codes = read_word_codes(tmp_path / "c.txt")
        assert len(codes.words) == len(codes.codes) > 0


def test_codes_are_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "c.txt"
    path.write_text("old")
    broken = codes_from_arrays({"a": 0}, np.ones(1, np.uint64), 64, "x")
    object.__setattr__(broken, "words", {"a": 0, "b": 1})  # a row that is not there
    with pytest.raises(IndexError):
        write_word_codes(path, broken)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("c.txt", "old")]
