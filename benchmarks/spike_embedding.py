"""Measure the spike embedding on labelled files: accuracy, counts, bill and time beside the same tokens without spikes.

    .venv/bin/python benchmarks/spike_embedding.py FILE[=paper] ... [--synop-budget 1000] [--seed 42]

One row a file. `cut`: largest evidence of the integers after the cut, without the rise: the pruned linear model without
spikes. `LR`, `SVC`: TF-IDF (sublinear) with logistic regression (C = 10) and LinearSVC (C of .1, .3, 1, 3 by
validation) on the same tokens and rows; the last column is the difference to that of the two which is better on
validation texts. Seconds are of the process, one thread: run with OMP_NUM_THREADS=1.
"""

import argparse
import time
from pathlib import Path

import numpy as np

from snnlp_lava import load_texts
from snnlp_lava.text.dataset import TEST, TRAIN, VALIDATION, split_rows
from snnlp_lava.text.entries import entries_of
from snnlp_lava.train.methods.spike_embedding.design import Part, Settings, design


def baselines(train, validation, test, scheme):
    """Validation and test accuracy of TF-IDF with both models, and the seconds of each with the tokens."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    started = time.process_time()
    vectorizer = TfidfVectorizer(analyzer=lambda text: entries_of(text, scheme), sublinear_tf=True, min_df=2)
    known, asked, chosen = (
        vectorizer.fit_transform(train.texts),
        vectorizer.transform(test.texts),
        vectorizer.transform(validation.texts),
    )
    tokens = time.process_time() - started
    for models in ([LogisticRegression(C=10, max_iter=60)], [LinearSVC(C=c) for c in (0.1, 0.3, 1, 3)]):
        started = time.process_time()
        best = max(
            (model.fit(known, train.labels) for model in models), key=lambda m: m.score(chosen, validation.labels)
        )
        took = tokens + time.process_time() - started
        yield 100 * best.score(chosen, validation.labels), 100 * best.score(asked, test.labels), took


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--synop-budget", type=float)
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    print("set tokens | test cut | synops spikes updates steps lines nJ | s | LR s | SVC s | validation | difference")
    for given in options.files:
        path, _, scheme = given.partition("=")
        data = load_texts(path)
        rows = split_rows(data, scheme or "official")
        parts = {split: Part(data.select(rows[split]), data.labels[rows[split]]) for split in (TRAIN, VALIDATION, TEST)}
        classes = len(data.label_names)
        started = time.process_time()
        settings = Settings(synop_budget=options.synop_budget, seed=options.seed)
        made = design(parts[TRAIN], parts[VALIDATION], classes, settings)
        seconds, test, point = time.process_time() - started, parts[TEST], made.point
        answers = 100 * np.mean(made.answers(test.texts) == test.labels)
        cut = 100 * np.mean(made.evidence(test.texts).argmax(axis=1) == test.labels)
        row = f"{Path(path).stem} {made.scheme} | {answers:.2f} {cut:.2f} | {point.all_synops:.1f} {point.spikes:.1f} "
        row += f"{classes * point.steps} {point.steps} {len(point.weight)} {point.bill:.2f} | {seconds:.1f} |"
        found = list(baselines(parts[TRAIN], parts[VALIDATION], test, made.scheme))
        row += " |".join(f" {accuracy:.2f} {took:.1f}" for _, accuracy, took in found)
        print(f"{row} | {100 * made.validation:.2f} | {answers - max(found)[1]:+.2f}", flush=True)


if __name__ == "__main__":
    main()
