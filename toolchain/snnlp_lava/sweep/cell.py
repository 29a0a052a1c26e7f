"""Run one cell: train its classifier, run the test split on the emulator, return the record."""

from __future__ import annotations

import math
import os
import platform
import threading
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any

from snnlp_lava.embed.embedders import VectorFile
from snnlp_lava.encode.base import EncodedSamples
from snnlp_lava.errors import InputError
from snnlp_lava.files import sha256_of_file
from snnlp_lava.progress import ProgressCallback, no_progress
from snnlp_lava.records import versions
from snnlp_lava.sweep.grid import Cell, Source
from snnlp_lava.sweep.results import CellRecord, DataIdentity
from snnlp_lava.text.dataset import TEST, TextData, split_rows
from snnlp_lava.text.sources import load_texts
from snnlp_lava.train.data import TrainingData, final_embedding, prepare_for
from snnlp_lava.train.methods.base import Method, Trained, TrainingRun

_one_at_a_time = threading.Lock()


def cell_runner(common: None) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """What runs the cells, as `Cell.pack` makes them, on a worker: returns the content of a result file."""
    return lambda job: run_cell(Cell.unpack(job)).to_dict()


def cell_runner_of_a_process(common: None) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """The same in a process that does nothing else."""
    from snnlp_lava.train.trainer import keep_freed_memory

    keep_freed_memory()
    return cell_runner(common)


def run_cell(cell: Cell) -> CellRecord:
    """Train and test one cell.

    Torch and numba use one thread, and a process runs one cell at a time: results do not depend on the number of cores,
    and no other cell draws from torch's random numbers.

    Raises
    ------
    InputError
        If data, vectors or configuration cannot be used.
    """
    from snnlp_lava.train.loop import single_threaded

    with _one_at_a_time, single_threaded():
        started = time.perf_counter()
        prepared = _prepared(_Features(cell.source, cell.train.feature_key(), cell.train))
        prepared.check_features(cell.train)
        trained = cell.train.fit(prepared, TrainingRun())
        results = _results(prepared, cell.train, trained)
        seconds = time.perf_counter() - started
    from snnlp_lava.train.loop import choose_device

    return CellRecord.of(
        cell=cell.to_dict(),
        data={
            **_identity(cell.source, prepared.data).to_dict(),
            "rows": prepared.metadata["rows"],
            "embedding": final_embedding(prepared, trained).to_dict(),
        },
        results=results,
        versions=versions(),
        date=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        seconds=round(seconds, 3),
        host={
            "system": platform.system(),
            "machine": platform.machine(),
            "cores": os.cpu_count(),
            "device": choose_device("auto").type,
        },
    )


def data_identity(source: Source) -> DataIdentity:
    """Return name and hashes of a cell's data.

    Raises
    ------
    InputError
        If the data or its vectors cannot be read or split.
    """
    data = load_texts(source.data, source.text_column, source.label_column)
    split_rows(data, source.split_scheme)
    if source.vectors is not None:
        VectorFile(Path(source.vectors), data.source_rows)
    for file in (source.words, source.codes):
        if file is not None and not Path(file).is_file():
            raise InputError(f"{file}: no such file")
    return _identity(source, data)


def prepare_features(cells: Iterable[Cell], report: ProgressCallback = no_progress) -> None:
    """Compute each distinct set of features once; workers find the vectors and codes in the cache.

    Raises
    ------
    InputError
        If data or vectors cannot be used.
    """
    distinct = {(cell.source, cell.train.feature_key()): cell for cell in cells}
    for cell in distinct.values():
        prepare_cell(cell, report)


def prepare_cell(cell: Cell, report: ProgressCallback = no_progress) -> TrainingData:
    """Load and split a cell's data, and compute its features.

    Raises
    ------
    InputError
        If data or vectors cannot be used.
    """
    source = cell.source
    data = load_texts(source.data, source.text_column, source.label_column)
    return prepare_for(cell.train, data, source.split_scheme, source.limit, source.features(), report)


@dataclass(frozen=True)
class _Features:
    """Key of prepared data; `train` is one of the methods with this feature key."""

    source: Source
    key: Hashable
    train: Method = field(compare=False)


@lru_cache(maxsize=2)
def _prepared(features: _Features) -> TrainingData:
    """Prepare data and features, cached for the next cells of this process."""
    return prepare_cell(Cell(features.source, features.train))


def _identity(source: Source, data: TextData) -> DataIdentity:
    files = {"vectors": source.vectors, "words": source.words, "codes": source.codes}
    hashes = {name: sha256_of_file(Path(file)) if file is not None else None for name, file in files.items()}
    return DataIdentity(name=data.name, sha256=data.sha256, **hashes)


def _results(data: TrainingData, method: Method, trained: Trained) -> dict[str, Any]:
    """Return the fields of `Results`; none depends on when and where training and test ran."""
    from snnlp_lava.train.baselines import macs

    results = {
        "sizes": list(trained.sizes),
        "samples": len(data.rows[TEST]),
        **trained.scores,
        "history": trained.history,
    }
    if trained.network is None:
        results["macs"] = macs(trained.tensors)
    else:
        results["emulator"] = _emulated(data, method, trained)
    finite: dict[str, Any] = _finite(results)
    return finite


def _emulated(data: TrainingData, method: Method, trained: Trained) -> dict[str, Any]:
    """Return the fields of `EmulatorResult`."""
    from snnlp_lava.backends.emulator import run_emulator
    from snnlp_lava.metrics import accuracy_and_mrr
    from snnlp_lava.run.samples import Totals, sample_table

    assert trained.encoder is not None
    assert trained.network is not None
    assert trained.window is not None
    samples = EncodedSamples(data.features[TEST], trained.encoder, trained.window)
    run = run_emulator(trained.network, samples, trained.window)
    scores = run.output_counts if method.options().get("reference") else run.output_scores
    totals = Totals.of(trained.network, [sample_table(run, scores, data.rows[TEST], data.labels(TEST))])
    return {
        **accuracy_and_mrr(scores, data.labels(TEST)),  # as training scores: no spike is the first class
        "window": run.window,
        "period": run.period,
        "paper_operations": totals.paper_operations,
        "layers": totals.layers,
    }


def _finite(value: Any) -> Any:
    """Replace NaN and infinity, the losses of a diverged training, by None, since JSON cannot represent them."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
