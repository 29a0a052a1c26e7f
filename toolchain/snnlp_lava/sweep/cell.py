"""One cell: train its classifier, run the test part on the emulator, return what came of it."""

from __future__ import annotations

import math
import os
import platform
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnlp_lava.errors import InputError, SnnlpLavaError, one_line
from snnlp_lava.files import sha256_of_file
from snnlp_lava.progress import ProgressCallback, no_progress
from snnlp_lava.records import versions
from snnlp_lava.sweep.grid import Cell, Source
from snnlp_lava.sweep.results import FORMAT
from snnlp_lava.train.methods.base import ANN, SENTENCE, SNN_RATE, TEXT_METHODS, TrainConfig

if TYPE_CHECKING:
    from snnlp_lava.text.dataset import TextData
    from snnlp_lava.train.data import Corpus
    from snnlp_lava.train.trainer import Trained

_one_at_a_time = threading.Lock()


def attempt(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Run a cell, whatever comes of it.

    Parameters
    ----------
    cell
        From `Cell.to_dict`.

    Returns
    -------
    dict
        ``document``, a result file's content, or ``error``, one line.
    """
    try:
        return {"document": run_cell(cell)}
    except SnnlpLavaError as error:
        return {"error": str(error)}
    except Exception as error:  # a cell that fails takes no other one with it
        return {"error": f"{type(error).__name__}: {one_line(error)}"}


def run_cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Train and test one cell.

    Torch and numba compute with one thread, and one cell at a time in a process: sums come out the same on every
    number of cores, and no other cell draws from torch's random numbers.

    Parameters
    ----------
    cell
        From `Cell.to_dict`.

    Returns
    -------
    dict
        A result file's content (see `snnlp_lava.sweep.results`).

    Raises
    ------
    InputError
        If data, vectors or configuration cannot be trained with.
    """
    this = Cell.from_dict(cell)
    with _alone():
        started = time.perf_counter()
        corpus, data = _corpus(this.source, this.train.level, _features(this.train))
        from snnlp_lava.train.loop import choose_device
        from snnlp_lava.train.trainer import train_classifier

        trained = train_classifier(corpus, this.train, "auto", None)
        results = _results(corpus, this.train, trained)
        seconds = time.perf_counter() - started
    return {
        "format": FORMAT,
        "cell": this.record(),
        "data": data,
        "results": results,
        "versions": versions(),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "host": {
            "system": platform.system(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "device": choose_device("auto").type,
        },
    }


def identify(source: Source) -> dict[str, Any]:
    """Name and hashes of a cell's data: what must be the same for a result to be kept.

    Raises
    ------
    InputError
        If the data or its vectors cannot be read or split.
    """
    from snnlp_lava.embed.embedders import VectorFile
    from snnlp_lava.text.dataset import split_rows
    from snnlp_lava.text.sources import load_texts

    data = load_texts(source.data, source.text_column, source.label_column)
    split_rows(data, source.split_scheme)
    if source.vectors is not None:
        VectorFile(Path(source.vectors), len(data))
    for file in (source.words, source.codes):
        if file is not None and not Path(file).is_file():
            raise InputError(f"{file}: no such file")
    return _identity(source, data)


def prepare_corpus(source: Source, train: TrainConfig, report: ProgressCallback = no_progress) -> Corpus:
    """Load, split and embed a cell's data; vectors and codes are then in the cache.

    Raises
    ------
    InputError
        If data or vectors are unfit.
    """
    from snnlp_lava.text.sources import load_texts
    from snnlp_lava.train.data import Origin, prepare

    data = load_texts(source.data, source.text_column, source.label_column)
    if train.level == SENTENCE:
        origin = Origin(vectors=_path(source.vectors))
    else:
        origin = Origin(words=_path(source.words), codes=_path(source.codes))
    return prepare(data, train, source.split_scheme, source.limit, origin, report)


def first_input(cell: Cell) -> np.ndarray:
    """Input spikes (steps, channels) uint8 of the first training text of a spiking cell.

    Raises
    ------
    InputError
        If data or vectors are unfit.
    """
    from snnlp_lava.encode.base import EncodedSamples
    from snnlp_lava.text.dataset import TRAIN
    from snnlp_lava.train.methods.snn import fit_encoder

    corpus = prepare_corpus(cell.source, cell.train)
    samples = EncodedSamples(corpus.features[TRAIN], fit_encoder(corpus, cell.train), cell.train.window)
    return samples.spikes(np.arange(1))[0]


def _path(text: str | None) -> Path | None:
    return Path(text) if text is not None else None


def _features(config: TrainConfig) -> str:
    """The method whose corpus this one shares."""
    return config.method if config.method in TEXT_METHODS else SNN_RATE


@lru_cache(maxsize=2)
def _corpus(source: Source, level: str, method: str) -> tuple[Corpus, dict[str, Any]]:
    """The corpus, kept for the next cells of this process, and what a result says of it."""
    corpus = prepare_corpus(source, TrainConfig.defaults_for(method, level=level))
    about = {"rows": corpus.about["rows"], "embedding": asdict(corpus.embedding)}
    return corpus, {**_identity(source, corpus.data), **about}


def _identity(source: Source, data: TextData) -> dict[str, Any]:
    files = {"vectors": source.vectors, "words": source.words, "codes": source.codes}
    hashes = {name: sha256_of_file(Path(file)) if file is not None else None for name, file in files.items()}
    return {"name": data.name, "sha256": data.sha256, **hashes}


def _results(corpus: Corpus, config: TrainConfig, trained: Trained) -> dict[str, Any]:
    """What training and test gave; nothing in it depends on when and where they ran."""
    from snnlp_lava.text.dataset import TEST
    from snnlp_lava.train.baselines import macs

    results = {
        "sizes": list(trained.sizes),
        "samples": len(corpus.rows[TEST]),
        **trained.scores,
        "history": trained.history,
    }
    if config.method == ANN:
        results["macs"] = macs(trained.sizes)
    else:
        results["emulator"] = _emulated(corpus, config, trained)
    finite: dict[str, Any] = _finite(results)
    return finite


def _emulated(corpus: Corpus, config: TrainConfig, trained: Trained) -> dict[str, Any]:
    """Scores and summed counts of the test part on the emulator."""
    import torch

    from snnlp_lava.backends.emulator import run_emulator
    from snnlp_lava.encode.base import EncodedSamples
    from snnlp_lava.run.record import Totals, sample_table
    from snnlp_lava.text.dataset import TEST
    from snnlp_lava.train.slayer import SpikingClassifier

    assert trained.encoder is not None
    module = SpikingClassifier(trained.sizes, config, trained.encoder)
    module.load_state_dict({name: torch.from_numpy(value) for name, value in trained.state.items()})
    samples = EncodedSamples(corpus.features[TEST], trained.encoder, config.window)
    network = module.to_network()
    run = run_emulator(network, samples, config.window)
    scores = run.output_counts if config.reference else run.output_scores
    totals = Totals.of(network, [sample_table(run, scores, corpus.rows[TEST], corpus.labels(TEST))])
    return {
        **totals.scores,
        "window": run.window,
        "period": run.period,
        "paper_operations": totals.paper_operations,
        "layers": totals.layers,
    }


def _finite(value: Any) -> Any:
    """The same with None for NaN and infinity, which a diverged training's losses are and JSON cannot say."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextmanager
def _alone() -> Iterator[None]:
    import numba
    import torch

    with _one_at_a_time:
        before = torch.get_num_threads(), numba.get_num_threads()
        torch.set_num_threads(1)
        numba.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before[0])
            numba.set_num_threads(before[1])
