import numpy as np
import pytest

SAYINGS = {
    "praise": ("the soup was lovely", "friendly waiter and a lovely cake", "best coffee in town", "lovely place"),
    "complaint": (
        "the soup was cold",
        "rude waiter",
        "we waited an hour for cold coffee",
        "dirty table and a rude cook",
    ),
    "question": ("when do you open", "do you have a table for two", "where can we park", "when is lunch"),
}


def sayings(count, seed=0):
    """Texts and labels of three classes, drawn from a few sayings and some filler words."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(sorted(SAYINGS), count).tolist()
    filler = ("today", "really", "again", "well", "sunday", "please")
    texts = [f"{rng.choice(SAYINGS[label])} {rng.choice(filler)} {rng.choice(filler)}" for label in labels]
    return texts, labels


@pytest.fixture(scope="session")
def fitted():
    """A spike embedding of three classes."""
    from snnlp_lava import SpikingTextClassifier

    return SpikingTextClassifier().fit(*sayings(300))
