"""Accuracy against synops: spike embeddings of falling budgets, what they are made of, the paper's networks, baselines.

.venv/bin/python benchmarks/frontier.py emotion|imdb FOLDER [REPRODUCTION]

FOLDER holds emotion.parquet or imdb.parquet; REPRODUCTION is an output folder of `snnlp-lava reproduce`, whose
rate-coded networks are drawn, too. Writes docs/figures/frontier-DATA.png, prints the tables of docs/spike-embedding.md.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from statistics import fmean

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure
from sklearn.feature_extraction.text import CountVectorizer
from snnlp_lava.train.methods.spike_embedding.learner import draft_spike_embedding, finish_spike_embedding
from snnlp_lava.train.methods.spike_embedding.word_scores import WordScores, fit_word_scores

from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.encode.base import EncodedSamples
from snnlp_lava.errors import InputError
from snnlp_lava.files import read_json
from snnlp_lava.metrics import accuracy_and_mrr
from snnlp_lava.paper.published import ANN, compare, paper_cells, paper_synops
from snnlp_lava.text.dataset import TEST, TRAIN, VALIDATION
from snnlp_lava.text.sources import load_texts
from snnlp_lava.text.tokens import words_and_pairs
from snnlp_lava.train.baselines import fit_tfidf
from snnlp_lava.train.data import TrainingData, prepare_data
from snnlp_lava.train.loop import Examples, fit
from snnlp_lava.train.methods.base import make_method

BUDGETS = (1000, 200, 100, 70, 50, 35, 25)
SEEDS = (1, 2, 3)
LEAST_EVIDENCE = (0.0, 0.05, 0.1, 0.15, 0.2, 0.5, 1.0, 1.5, 2.0)


def main(name: str, folder: Path, reproduction: Path | None) -> None:
    """Train, test, print and draw."""
    data = load_texts(str(folder / f"{name}.parquet"), "text", "label")
    corpus = prepare_data(data, "spike-embedding", split_scheme="paper")
    started = time.perf_counter()
    parts = [item for part in (TRAIN, VALIDATION) for item in (corpus.features[part], corpus.labels(part))]
    evidence = fit_word_scores(*parts, corpus.classes)
    print(f"{name}: evidence of {len(evidence.entries):,} words and pairs, {time.perf_counter() - started:.0f} s")
    print(
        "| budget | accuracy | of three seeds | MRR | input spikes | synops | of non-zero weights | words and pairs |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    frontier = []
    for budget in BUDGETS:
        try:
            runs = [trained(corpus, evidence, budget, seed) for seed in SEEDS]
        except InputError as error:
            print(f"{budget}: {error}")
            break
        found = {key: fmean(run[key] for run in runs) for key in runs[0]}
        spread = [100 * run["accuracy"] for run in runs]
        frontier.append((found["synops"], 100 * found["accuracy"], min(spread), max(spread)))
        print(
            f"| {budget} | {found['accuracy']:.2%} | {min(spread):.2f} to {max(spread):.2f} % | {found['mrr']:.3f} "
            f"| {found['spikes']:.1f} | {found['synops']:.1f} | {found['nonzero']:.1f} | {found['entries']:,.0f} |",
            flush=True,
        )
    draw(name, frontier, without_spikes(corpus, evidence), published(name, reproduction), tfidf(corpus))
    print(f"{time.perf_counter() - started:.0f} s")


def trained(corpus: TrainingData, evidence: WordScores, budget: int, seed: int) -> dict[str, float]:
    """Train one network and run the test part on the emulator."""
    config = make_method("spike-embedding", synop_budget=budget, seed=seed)
    torch.manual_seed(seed)
    draft = draft_spike_embedding(evidence, config)
    validation = Examples(draft.line_counts(corpus.features[VALIDATION]), corpus.labels(VALIDATION))
    fit(draft.module, Examples(draft.counts.astype(np.float32), corpus.labels(TRAIN)), validation, config)
    encoder, module = finish_spike_embedding(draft, config)
    samples = EncodedSamples(corpus.features[TEST], encoder, config.window)
    run = run_emulator(module.to_network(), samples, config.window)
    return {
        **accuracy_and_mrr(run.output_scores, corpus.labels(TEST)),
        "spikes": float(run.layers[0].spikes.mean()),
        "synops": float(run.layers[-1].synops.mean()),
        "nonzero": float(run.layers[-1].synops_nonzero.mean()),
        "entries": len(encoder.entries),
    }


def without_spikes(corpus: TrainingData, evidence: WordScores) -> list[tuple[float, float]]:
    """(additions, test accuracy in percent) of the evidence itself, words and pairs that say less and less left out.

    An entry is there or not, so nothing is multiplied; two classes need one weight an entry, more need one each.
    """
    known = CountVectorizer(analyzer=words_and_pairs, binary=True, vocabulary=evidence.entries)
    occurs = {part: known.transform(corpus.features[part]) for part in (VALIDATION, TEST)}
    says = np.abs(evidence.weight - evidence.weight.mean(axis=1, keepdims=True)).max(axis=1)
    weights = 1 if corpus.classes == 2 else corpus.classes
    print("| least evidence | validation | test | additions | words and pairs |")
    print("|---:|---:|---:|---:|---:|")
    found = []
    for least in LEAST_EVIDENCE:
        kept = says > least
        accuracy = {
            part: (
                (taken[:, kept] @ evidence.weight[kept] + evidence.offset).argmax(axis=1) == corpus.labels(part)
            ).mean()
            for part, taken in occurs.items()
        }
        additions = occurs[TEST][:, kept].nnz / occurs[TEST].shape[0] * weights
        if additions < 1:
            break
        found.append((additions, 100 * accuracy[TEST]))
        print(
            f"| {least:g} | {accuracy[VALIDATION]:.2%} | {accuracy[TEST]:.2%} | {additions:.1f} | {kept.sum():,} |",
            flush=True,
        )
    return found


def published(name: str, reproduction: Path | None) -> dict[str, list[tuple[float, float]]]:
    """(operations, accuracy in percent) of the paper's rows and of ours for the same cells."""
    cells = paper_cells(None, (name,), quick=False, seed=42)
    files = [] if reproduction is None else sorted((reproduction / "cells").glob("*.json"))
    documents = {document["cell"]["name"]: document for document in map(read_json, files)}
    rows = [row for row in compare(cells, documents) if row.data == name]
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        synops = row.paper["operations"] if row.method == ANN else paper_synops(row)
        kind = "ANN (MACs)" if row.method == ANN else "spiking"
        if synops is not None and row.paper["accuracy"] is not None:
            found.setdefault(f"paper's {kind}", []).append((synops, 100 * row.paper["accuracy"]))
        if row.ours is not None:
            ours = row.ours["operations"] if row.method == ANN else row.ours["synops"]
            found.setdefault(f"our {kind}", []).append((ours, 100 * row.ours["accuracy"]))
    return found


def tfidf(corpus: TrainingData) -> tuple[float, float]:
    """MACs of non-zeros, and test accuracy in percent."""
    texts = {part: corpus.features[part].tolist() for part in (TRAIN, VALIDATION, TEST)}
    scores = fit_tfidf(
        texts[TRAIN],
        corpus.labels(TRAIN),
        texts[VALIDATION],
        corpus.labels(VALIDATION),
        texts[TEST],
        corpus.classes,
    )
    accuracy = accuracy_and_mrr(scores.test, corpus.labels(TEST))["accuracy"]
    print(f"TF-IDF + logistic regression: {accuracy:.2%}, {scores.macs:.0f} MACs")
    return scores.macs, 100 * accuracy


def draw(
    name: str,
    frontier: list[tuple[float, float, float, float]],
    evidence: list[tuple[float, float]],
    rows: dict[str, list[tuple[float, float]]],
    baseline: tuple[float, float],
) -> None:
    """The picture, accuracy over operations on a logarithmic axis."""
    styles = {
        "paper's spiking": ("#D55E00", "s"),
        "paper's ANN (MACs)": ("#D55E00", "x"),
        "our spiking": ("#0072B2", "o"),
        "our ANN (MACs)": ("#0072B2", "x"),
    }
    titles = {"our spiking": "our rate codes and word codes", "our ANN (MACs)": "our ANN (MACs)"}
    with mpl.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        synops, accuracy, low, high = np.array(frontier).T
        axes.errorbar(
            synops,
            accuracy,
            np.stack([accuracy - low, high - accuracy]),
            color="#009E73",
            marker="o",
            markersize=4,
            capsize=2,
            label="spike embedding, three seeds",
        )
        axes.plot(*np.array(evidence).T, "k.:", markersize=5, label="the evidence it is made of, no spikes (additions)")
        axes.scatter(*baseline, color="black", marker="^", s=30, label="TF-IDF + logistic regression (MACs)")
        for kind, (colour, marker) in styles.items():
            if kind in rows:
                axes.scatter(*np.array(rows[kind]).T, color=colour, marker=marker, s=22, label=titles.get(kind, kind))
        axes.set_xscale("log")
        axes.set_xlabel("synops (or what is said) per text")
        axes.set_ylabel(f"test accuracy on {name}, %")
        axes.legend(frameon=False, fontsize=8, loc="lower left")
        path = Path(f"docs/figures/frontier-{name}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=130, metadata={"Software": None})
        print(path)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
