"""Measure the spike embedding on labelled files: accuracy, counts, bill and time beside the same tokens without spikes.

    .venv/bin/python benchmarks/spike_embedding.py FILE[=paper] ... [--test] [--seeds 42 43 44] [--synop-budget 1000]

One row a file and seed, of validation texts; with --test of test texts. `exact`: largest evidence of the network's
integers, without the rise: the pruned linear model without spikes. `LR`, `SVC`: TF-IDF (sublinear) with logistic
regression (C = 10) and LinearSVC (C of .1, .3, 1, 3 by validation) on the same tokens and rows; the last columns are
the difference to that of the two which is better on validation texts, and the p-value of McNemar's exact test for it.
Seconds are of the process, one thread: run with OMP_NUM_THREADS=1.

With --out-of-scope FILE, whose texts are of no class (columns text and split), the first row of each file is followed
by how well they are told apart: AUROC of the winner's evidence less 0.3 of its median margin for each unknown word,
and of logistic regression's probability.
"""

import argparse
import math
import time
import warnings
from pathlib import Path

import numpy as np

from snnlp_lava import load_texts
from snnlp_lava.text.dataset import TEST, TRAIN, VALIDATION, split_rows
from snnlp_lava.text.entries import entries_of, normalise, words_of
from snnlp_lava.train.methods.spike_embedding.design import Settings, design
from snnlp_lava.train.methods.spike_embedding.tokens import Part


def baselines(train, validation, asked, scheme):
    """Of TF-IDF with both models: validation accuracy, answers to the asked texts, seconds with the tokens."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    warnings.simplefilter("ignore")  # 60 iterations are too few to converge, and as good
    started = time.process_time()
    vectorizer = TfidfVectorizer(analyzer=lambda text: entries_of(text, scheme), sublinear_tf=True, min_df=2)
    known, chosen = vectorizer.fit_transform(train.texts), vectorizer.transform(validation.texts)
    tokens = time.process_time() - started
    rows = vectorizer.transform(asked.texts)
    for models in ([LogisticRegression(C=10, max_iter=60)], [LinearSVC(C=c) for c in (0.1, 0.3, 1, 3)]):
        started = time.process_time()
        fitted = [model.fit(known, train.labels) for model in models]
        best = max(fitted, key=lambda model: model.score(chosen, validation.labels))
        took = tokens + time.process_time() - started
        yield 100 * best.score(chosen, validation.labels), best.predict(rows), took


def mcnemar(ours, theirs):
    """Two-sided exact p-value of right answers (n,) bool that differ."""
    wins, losses = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    both = wins + losses
    return min(1.0, 2 * sum(math.comb(both, k) for k in range(min(wins, losses) + 1)) / 2**both)


def auroc(inside, outside):
    """Chance that a text of a class scores higher than one of none, ties as a half."""
    scores, ranks = np.unique(np.concatenate([inside, outside]), return_inverse=True)
    counts = np.bincount(ranks, minlength=len(scores))
    middle = (np.cumsum(counts) - (counts - 1) / 2)[ranks]
    n, m = len(inside), len(outside)
    return 100 * (middle[:n].sum() - n * (n + 1) / 2) / (n * m)


def margin_scores(made, texts, unit):
    """The winner's evidence less 0.3 median margins for each different word that is not in the network."""
    known = {*made.entries, *made.silent}
    unknown = np.array([len(set(words_of(normalise(text))) - known) for text in texts])
    return made.evidence(texts).max(axis=1) - 0.3 * unit * unknown


def out_of_scope(made, texts, train, validation, asked):
    """A line on telling texts of no class apart, by a threshold that refuses 3 % of the validation texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    two = np.sort(made.evidence(validation.texts), axis=1)[:, -2:]
    unit = float(np.median(two[:, 1] - two[:, 0]))
    inside, outside = margin_scores(made, asked.texts, unit), margin_scores(made, texts, unit)
    threshold = np.quantile(margin_scores(made, validation.texts, unit), 0.03)
    right = 100 * np.mean((inside >= threshold) & (made.answers(asked.texts) == asked.labels))
    vectorizer = TfidfVectorizer(sublinear_tf=True, min_df=2, token_pattern=r"[\w']+|[^\w\s]")
    rival = LogisticRegression(C=10, max_iter=200).fit(vectorizer.fit_transform(train.texts), train.labels)
    theirs = [rival.predict_proba(vectorizer.transform(some)).max(axis=1) for some in (asked.texts, texts)]
    return (
        f"  out of scope: AUROC {auroc(inside, outside):.2f} (LR on words {auroc(*theirs):.2f}); where 3 % of the "
        f"validation texts are refused, {right:.2f} % are right in scope and "
        f"{100 * np.mean(outside < threshold):.1f} % of the others found"
    )


def read_texts(path, split):
    """Texts of a split of an unlabelled file."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    return [t for t, s in zip(table["text"].to_pylist(), table["split"].to_pylist(), strict=True) if s == split]


def measure(path, scheme, options, seed):
    """Print the row of a file."""
    data = load_texts(path)
    rows = split_rows(data, scheme or "official")
    train, validation, test = (
        Part(data.select(rows[split]), data.labels[rows[split]]) for split in (TRAIN, VALIDATION, TEST)
    )
    classes, asked = len(data.label_names), test if options.test else validation
    started = time.process_time()
    made = design(train, validation, classes, Settings(synop_budget=options.synop_budget, seed=seed))
    seconds, point = time.process_time() - started, made.point
    right = made.answers(asked.texts) == asked.labels
    exact = 100 * np.mean(made.evidence(asked.texts).argmax(axis=1) == asked.labels)
    row = f"{Path(path).stem} {seed} {made.scheme} | {100 * right.mean():.2f} {exact:.2f} | "
    row += f"{point.all_synops:.1f} {point.spikes:.1f} {classes * point.steps} {point.steps} {len(point.weight)} "
    row += f"{point.bill:.2f} | {seconds:.1f} | "
    if not options.no_baselines:
        found = list(baselines(train, validation, asked, made.scheme))
        row += " | ".join(f"{100 * np.mean(answers == asked.labels):.2f} {took:.1f}" for _, answers, took in found)
        theirs = max(found, key=lambda one: one[0])[1] == asked.labels
        row += f" | {100 * (right.mean() - theirs.mean()):+.2f} {mcnemar(right, theirs):.3f}"
    print(row, flush=True)
    if options.out_of_scope:
        texts = read_texts(options.out_of_scope, "test" if options.test else "validation")
        print(out_of_scope(made, texts, train, validation, asked), flush=True)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--test", action="store_true", help="ask test texts: once, for a figure to be written down")
    parser.add_argument("--seeds", type=int, nargs="+", default=[42])
    parser.add_argument("--synop-budget", type=float)
    parser.add_argument("--out-of-scope", metavar="FILE")
    parser.add_argument("--no-baselines", action="store_true")
    options = parser.parse_args()
    print("set seed tokens | accuracy exact | synops spikes updates steps lines nJ | s | LR s | SVC s | difference p")
    for given in options.files:
        path, _, scheme = given.partition("=")
        for seed in options.seeds:
            measure(path, scheme, options, seed)


if __name__ == "__main__":
    main()
