import numpy as np
import pytest

from snnlp_lava.errors import InputError
from snnlp_lava.text.dataset import TextData
from snnlp_lava.train.config import TrainConfig
from snnlp_lava.train.corpus import Origin, prepare


def test_texts_without_any_word_are_refused_before_training():
    """They may have vectors, but the TF-IDF baseline that ends a training would have nothing to count."""
    data = TextData("faces", ["😀!", ":-("] * 15, np.arange(30) % 2, ("glad", "sad"))
    with pytest.raises(InputError, match=r"^data faces: no training text has a word of letters or digits$"):
        prepare(data, TrainConfig(), "official", None, Origin())
