"""The paper's grid end to end, on texts and word vectors of our own."""

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet


@pytest.mark.slow
def test_the_grid_from_texts_to_table_and_figures(snnlp_lava, tmp_path):
    rng = np.random.default_rng(0)
    classes = ("sad", "glad", "fond", "cross", "afraid", "startled")
    labels = np.arange(240) % 6
    texts = [f"number {number} is {classes[label]} today" for number, label in enumerate(labels)]
    parquet.write_table(pa.table({"text": texts, "label": labels}), tmp_path / "emotion.parquet")
    vectors = rng.normal(size=(240, 16)) + np.eye(16)[labels]
    np.save(tmp_path / "emotion-all-MiniLM-L6-v2.npy", vectors.astype(np.float32))
    words = ("number", "is", "today", *classes)
    lines = [f"{word} {' '.join(f'{value:.4f}' for value in rng.normal(size=12))}" for word in words]
    (tmp_path / "words.txt").write_text("\n".join(lines) + "\n")
    lines = [
        f"{len(words)} 64",
        *(f"{word} {code}" for word, code in zip(words, rng.integers(1, 1 << 63, 9), strict=True)),
    ]
    (tmp_path / "codes.txt").write_text("\n".join(lines) + "\n")
    wanted = (
        "reproduce",
        "--quick",
        "--data",
        "emotion",
        "--data-dir",
        ".",
        "--words",
        "words.txt",
        "--codes",
        "codes.txt",
    )
    result = snnlp_lava(*wanted, "-o", "out")
    assert result.exit_code == 0, result.stderr
    table = (tmp_path / "out" / "table.md").read_text("utf-8")
    assert table in result.stdout
    assert len(list((tmp_path / "out" / "cells").glob("*.json"))) == 11
    assert table.count("| snn-bin | word | emotion | 33 |") == 1
    names = sorted(path.name[:2] for path in (tmp_path / "out" / "figures").glob("*.svg"))
    assert names == ["F1", "F3", "F4", "F5", "F6", "F8"]
    again = snnlp_lava(*wanted, "-o", "out", "--resume")
    assert (again.exit_code, "11 of them already done" in again.stderr) == (0, True)
    assert (tmp_path / "out" / "table.md").read_text("utf-8") == table
