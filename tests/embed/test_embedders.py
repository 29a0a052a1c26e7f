"""Word codes are made once, kept, and recreated where the kept ones are damaged."""

import numpy as np

from snnlp_lava.embed.embedders import word_codes


def test_codes_are_made_once_and_a_damaged_cache_heals(tmp_path, cache_folder, caplog):
    rng = np.random.default_rng(0)
    lines = [f"word{number} {' '.join(f'{value:.4f}' for value in rng.normal(size=12))}" for number in range(60)]
    (tmp_path / "words.txt").write_text("\n".join(lines) + "\n")
    first = word_codes(None, tmp_path / "words.txt", "none")
    (kept,) = cache_folder.glob("codes-of-*/codes.txt")
    written = kept.read_bytes()
    for damaged in (False, True):
        if damaged:
            kept.write_bytes(written[:-2] + b"\n")  # one digit less is a code, too
        again = word_codes(None, tmp_path / "words.txt", "none")
        assert (again.name, again.sha256, again.words) == (first.name, first.sha256, first.words)
        assert again.quality == first.quality
        assert {"reconstruction_mse", "spearman_near", "neighbours_kept"} <= again.quality.keys()
        np.testing.assert_array_equal(again.codes, first.codes)
        assert kept.read_bytes() == written
        assert ("recreated" in caplog.text) == damaged
