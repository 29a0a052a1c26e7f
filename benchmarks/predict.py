"""How fast one text and many texts are answered, as ratios to TF-IDF + LogisticRegression of scikit-learn in one run.

    python benchmarks/predict.py [DATA.parquet]

DATA has columns text, label and split (by default SST-2 of ../shared/data). Both sides are trained on its training rows
in one process; each figure is a median. Last printed:

TABLE
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

MANY = 50_000
ROUNDS = 7


def median(action, rounds=ROUNDS):
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def start(code):
    """Seconds of a new process that runs some code, the first run not counted (it fills caches)."""
    return median(lambda: subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL), 5)


def main():
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    from snnlp_lava import SpikingTextClassifier, load_texts

    path = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data/sst2.parquet")
    if not path.exists():
        sys.exit(f"{path} is not there; name a parquet file with columns text, label and split")
    data = load_texts(str(path))
    splits = np.asarray(data.splits)
    train, test = (np.flatnonzero(splits == name) for name in ("train", "test"))
    texts, labels = data.select(train), [data.label_names[label] for label in data.labels[train]]
    tested = data.select(test)
    many = [tested[index % len(tested)] for index in range(MANY)]

    started = time.perf_counter()
    ours = SpikingTextClassifier().fit(texts, labels)
    our_training = time.perf_counter() - started
    started = time.perf_counter()
    theirs = make_pipeline(TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2), LogisticRegression(C=10))
    theirs.fit(texts, labels)
    their_training = time.perf_counter() - started

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.net"
        ours.export(file)
        load = f"SpikingTextClassifier.load({str(file)!r}).predict(['a good film'])"
        rows = [
            ("training, s", our_training, their_training),
            (
                "one text, ms",
                1e3 * median(lambda: ours.predict(tested[:1]), 200),
                1e3 * median(lambda: theirs.predict(tested[:1]), 200),
            ),
            (f"{MANY:,} texts, s", median(lambda: ours.predict(many), 3), median(lambda: theirs.predict(many), 3)),
        ]
        print(f"{path.stem}: {len(train):,} training texts, {len(test):,} test texts, network {ours.network.sizes}")
        print(f"accuracy {ours.score(tested, [data.label_names[i] for i in data.labels[test]]):.4f}")
        print(f"{'':24}{'ours':>10}{'sklearn':>10}{'ratio':>8}")
        for name, own, other in rows:
            print(f"{name:24}{own:>10.3f}{other:>10.3f}{own / other:>8.2f}")
        print(f"start, load, first answer {start('from snnlp_lava import SpikingTextClassifier; ' + load):.3f} s")
        demo = "SpikingTextClassifier.load('demo').predict(['a good film'])"
        print(f"the same with demo        {start('from snnlp_lava import SpikingTextClassifier; ' + demo):.3f} s")
        modules = "sklearn.pipeline, sklearn.linear_model, sklearn.feature_extraction.text"
        print(f"import scikit-learn alone {start(f'import {modules}'):.3f} s")
        own = ours.predictor
        items = tested[:2000]
        features = own.features(items)
        parts = {
            "texts to lines": lambda: own.card.encoder.quantise(features, own.card.window),
            "all": lambda: own.predict(items),
        }
        for name, action in parts.items():
            print(f"{name:24}{1e6 * median(action) / len(items):>8.1f} us a text")


if __name__ == "__main__":
    main()
