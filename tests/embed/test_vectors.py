import contextlib

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snnlp_lava.embed.embedders import VectorFile
from snnlp_lava.errors import InputError

SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 4))


@given(
    st.sampled_from(["<f2", "<f4", "<f8", ">f4"]).flatmap(
        lambda dtype: arrays(
            dtype, SHAPES, elements=st.floats(width=16 if dtype == "<f2" else 32, allow_nan=False, allow_infinity=False)
        )
    ),
    st.booleans(),
)
def test_saved_vectors_are_read_unchanged(tmp_path, vectors, fortran):
    path = tmp_path / "v.npy"
    np.save(path, np.asfortranarray(vectors) if fortran else vectors)
    loaded = VectorFile(path, len(vectors))
    assert loaded.dimension == vectors.shape[1]
    backwards = np.arange(len(vectors))[::-1]
    np.testing.assert_array_equal(loaded[backwards], vectors[backwards])


def broken_at(row, value):
    vectors = np.zeros((70_000, 2), dtype=np.float16)
    vectors[row, 1] = value
    return vectors


@pytest.mark.parametrize(
    ("vectors", "rows", "message"),
    [
        (np.zeros((4, 3)), 5, ".*5 texts, got 4 rows"),
        (np.zeros((4, 3)), 3, ".*3 texts, got 4 rows"),
        (np.zeros(4), 4, r".*floats .*\(texts, dimensions\).* float64 .*\(4,\)"),
        (np.zeros((4, 3), int), 4, r".*floats .* int64 .*\(4, 3\)"),
        (np.zeros((4, 3), np.longdouble), 4, r".*floats .* float128 .*\(4, 3\)"),
        (np.zeros((4, 0)), 4, "has no dimensions"),
        (np.array([[None, 1.0]]), 1, "is not a .npy file of numbers"),
        (np.full((2, 1), 1e300), 2, "row 1 contains NaN or infinity"),
        (broken_at(0, np.nan), 70_000, "row 1 contains NaN or infinity"),
        (broken_at(69_999, -np.inf), 70_000, "row 70000 contains NaN or infinity"),
    ],
)
def test_vectors_that_cannot_be_used_are_named(tmp_path, vectors, rows, message):
    np.save(tmp_path / "v.npy", vectors)
    with pytest.raises(InputError, match=rf"vectors .*v\.npy: {message}"):
        VectorFile(tmp_path / "v.npy", rows)


def test_an_archive_and_a_missing_file_are_refused(tmp_path):
    np.savez(tmp_path / "v.npz", a=np.zeros((2, 2)))
    (tmp_path / "v.npz").rename(tmp_path / "v.npy")
    with pytest.raises(InputError, match=r"v\.npy: is an \.npz archive"):
        VectorFile(tmp_path / "v.npy", 2)
    with pytest.raises(InputError, match=r"none\.npy: no such file"):
        VectorFile(tmp_path / "none.npy", 2)


def npy_with_header(header):
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(64)


HEADERS = st.builds(
    "{{'descr': {}, 'fortran_order': {}, 'shape': {}}}".format,
    st.sampled_from(["'<f4'", "'<f0'", "'O'", "'V0'", "[('a', '<f4')]", "{}", "None"]),
    st.sampled_from(["True", "False", "0"]),
    st.sampled_from(["(2, 2)", "(2, -1)", "(True, 2)", "(2, 0)", f"(2, {1 << 60})", f"(2, {1 << 70})", "()", "2"]),
)


@given(
    st.one_of(st.binary(), HEADERS.map(npy_with_header), st.text("({[]}:'\\\n #1,-", max_size=20).map(npy_with_header))
)
@example(b"PK\x03\x04 not a zip archive")
@example(npy_with_header("("))
def test_random_bytes_raise_nothing_but_an_input_error(tmp_path, content):
    (tmp_path / "v.npy").write_bytes(content)
    with contextlib.suppress(InputError):
        assert len(VectorFile(tmp_path / "v.npy", 2)[np.arange(2)]) == 2
