import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snnlp_lava.embed.cache import EmbeddingCache
from snnlp_lava.embed.cache import cache_folder as folder_of_the_cache
from snnlp_lava.errors import InputError

SHA256 = "0123456789abcdef" * 4
TEXTS = [f"text {number}" for number in range(200)]
VECTORS = np.random.default_rng(0).random((200, 8), dtype=np.float32)


@settings(max_examples=12)
@given(st.lists(st.text(), unique=True, max_size=8), st.data())
def test_what_was_put_is_got_and_nothing_else(tmp_path, texts, data):
    vectors = data.draw(arrays("<f4", (len(texts), 3), elements=st.floats(-1e6, 1e6, width=32)))
    asked = data.draw(st.lists(st.sampled_from(texts) | st.text())) if texts else ["a"]
    folder = tmp_path / str(len(list(tmp_path.iterdir())))
    EmbeddingCache(SHA256, 3, folder).put(texts, vectors)
    found = EmbeddingCache(SHA256, 3, folder).get(asked)
    assert set(found) == set(asked) & set(texts)
    for text, vector in found.items():
        np.testing.assert_array_equal(vector, vectors[texts.index(text)])
        assert vector.dtype == np.float32


def test_more_texts_than_one_query_takes_are_found(tmp_path):
    texts = [f"text {number}" for number in range(2500)]
    cache = EmbeddingCache(SHA256, 1, tmp_path)
    cache.put(texts, np.arange(2500.0)[:, None])
    assert {text: vector.tolist() for text, vector in cache.get(texts).items()} == {
        text: [number] for number, text in enumerate(texts)
    }


def test_models_do_not_see_each_others_vectors(tmp_path):
    EmbeddingCache(SHA256, 8, tmp_path).put(TEXTS, VECTORS)
    assert EmbeddingCache("f" * 64, 8, tmp_path).get(TEXTS) == {}


def test_later_vectors_replace_earlier_ones(tmp_path):
    cache = EmbeddingCache(SHA256, 2, tmp_path)
    cache.put(["a"], np.array([[1.0, 2.0]]))
    cache.put(["a"], np.array([[3.0, 4.0]]))
    assert cache.get(["a"])["a"].tolist() == [3, 4]


def test_entries_of_another_length_or_not_finite_count_as_absent(tmp_path):
    cache = EmbeddingCache(SHA256, 2, tmp_path)
    cache.put(["good", "nan", "short"], np.array([[1.0, 2.0], [np.nan, 0.0], [1.0, 1.0]]))
    EmbeddingCache(SHA256, 1, tmp_path).put(["short"], np.array([[1.0]]))
    assert set(cache.get(["good", "nan", "short"])) == {"good"}
    with closing(sqlite3.connect(cache.path)) as connection, connection:
        connection.execute("UPDATE embeddings SET vector = 'eight ch'")
    assert cache.get(["good", "nan", "short"]) == {}


def test_two_processes_may_write_at_once(cache_folder):
    script = (
        "import sys, numpy as np\n"
        "from snnlp_lava.embed.cache import EmbeddingCache\n"
        "sys.stdin.readline()\n"
        f"cache = EmbeddingCache({SHA256!r}, 4)\n"
        "first = int(sys.argv[1])\n"
        "for n in range(first, first + 600, 20):\n"
        "    texts = [f'text {i}' for i in range(n, n + 20)]\n"
        "    cache.put(texts, np.repeat(np.arange(n, n + 20.0)[:, None], 4, axis=1))\n"
        "    assert len(cache.get(texts)) == 20\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(first)], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        for first in (0, 300)  # half of the texts are written by both
    ]
    for writer in writers:
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors.decode()
    texts = [f"text {i}" for i in range(900)]
    found = EmbeddingCache(SHA256, 4).get(texts)
    assert all(found[text].tolist() == [i] * 4 for i, text in enumerate(texts))


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000], ids=["text", "header alone"]
)
def test_a_file_that_is_no_database_is_set_aside(tmp_path, caplog, content):
    path = EmbeddingCache(SHA256, 8, tmp_path).path
    path.write_bytes(content)
    cache = EmbeddingCache(SHA256, 8, tmp_path)
    assert "is damaged" in caplog.text
    cache.put(TEXTS, VECTORS)
    assert len(cache.get(TEXTS)) == len(TEXTS)
    kept = [other for other in tmp_path.iterdir() if other != path]
    assert [other.read_bytes() for other in kept] == [content]


@settings(max_examples=15)
@given(st.integers(1, 7), st.integers(0, 9))
def test_a_cache_damaged_anywhere_neither_fails_nor_gives_wrong_vectors(tmp_path, page, tenth):
    path = EmbeddingCache(SHA256, 8, tmp_path).path
    EmbeddingCache(SHA256, 8, tmp_path).put(TEXTS, VECTORS)
    content = bytearray(path.read_bytes())
    start = page * 4096 + tenth * 400
    content[start : start + 20] = b"\xff" * 20
    path.write_bytes(content)
    try:
        for text, vector in EmbeddingCache(SHA256, 8, tmp_path).get(TEXTS).items():
            np.testing.assert_array_equal(vector, VECTORS[TEXTS.index(text)])
        EmbeddingCache(SHA256, 8, tmp_path).put(TEXTS, VECTORS)
    finally:
        path.unlink()


def test_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("SNNLP_LAVA_CACHE", str(tmp_path / "own"))
    assert EmbeddingCache(SHA256, 8).path.parent == folder_of_the_cache() == tmp_path / "own"
    monkeypatch.delenv("SNNLP_LAVA_CACHE")
    assert folder_of_the_cache() == tmp_path / "xdg" / "snnlp-lava"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder_of_the_cache() == tmp_path / ".cache" / "snnlp-lava"


def test_a_cache_that_cannot_be_written_names_the_variable_to_set(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(InputError, match=r"cache .*file/cache: cannot be written .*; set SNNLP_LAVA_CACHE"):
        EmbeddingCache(SHA256, 8, tmp_path / "file" / "cache")
    EmbeddingCache(SHA256, 8, tmp_path).path.unlink()
    (tmp_path / f"embeddings-{SHA256[:16]}.sqlite").mkdir()
    with pytest.raises(InputError, match=r"cache .*\.sqlite: .*; set SNNLP_LAVA_CACHE to another folder"):
        EmbeddingCache(SHA256, 8, tmp_path)
