"""Run a network on a backend, batch by batch: every spike that was read is compared with the emulator's."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from snnlp_lava.backends.base import BACKENDS, Backend, Recording
from snnlp_lava.backends.compare import compare
from snnlp_lava.embed.base import OpCounts
from snnlp_lava.embed.embedders import Embedder
from snnlp_lava.errors import BackendError, InputError, StoppedError
from snnlp_lava.files import StrPath, as_path
from snnlp_lava.metrics import AccuracyOverTime
from snnlp_lava.netx.card import Card
from snnlp_lava.netx.network_file import NetworkFile, read_network
from snnlp_lava.progress import AdvanceCallback, ProgressCallback, cumulative, no_advance, no_progress
from snnlp_lava.records import check_applies
from snnlp_lava.run.folder import EXAMPLES, RESULT, Run, check_run_folder, read_record, read_run, write_run
from snnlp_lava.run.inputs import Batch, Batches, RunInput
from snnlp_lava.run.partial import MemoryResults, Results, check_job, resumable
from snnlp_lava.run.record import RunRecord, Totals, class_scores, ignore_ties, make_record, sample_table

logger = logging.getLogger(__name__)

MAX_KEPT_TRAINS = 1 << 24


def run_network(
    path: StrPath,
    *,
    backend: str = "emulator",
    folder: StrPath | None = None,
    keep_trains: int = EXAMPLES,
    resume: bool = False,
    progress: ProgressCallback = no_progress,
    **options: Any,
) -> Run:
    """Run a network file.

    With a folder, finished samples are kept beside it (see `snnlp_lava.run.partial`) and the run continues from there
    with `resume`; what comes out is the same. Without, nothing is written.

    Parameters
    ----------
    path
        The network file.
    backend
        Name of one of `snnlp_lava.backends.base.BACKENDS`.
    folder
        Where the run folder is written.
    keep_trains
        Number of samples, the first, whose spikes are kept.
    resume
        Whether to continue an interrupted run; a finished one is read.
    progress
        Called with the stage, what is done and the total.
    options
        What to run on, the fields of `snnlp_lava.run.inputs.RunInput` (``texts``, ``data``, ``spikes``, ``split``,
        ``limit``, ...), and the backend's own options.

    Raises
    ------
    InputError
        If the backend is unknown, or the network, an option or the folder cannot be used.
    BackendError
        If the backend fails, or its spikes are not the emulator's.
    StoppedError
        If it is interrupted.
    """
    inputs, runs_on = split_options(backend, options)
    if type(keep_trains) is not int or not 0 <= keep_trains <= MAX_KEPT_TRAINS:
        raise InputError(f"keep_trains must be an integer from 0 to {MAX_KEPT_TRAINS}, got {str(keep_trains)[:40]}")
    folder = None if folder is None else as_path(folder)
    if folder is not None:
        check_run_folder(folder)
    file = read_network(as_path(path))
    batches = inputs.open(file, progress)  # before files are hashed, which takes a minute for one of 30 GB
    job = {"network": file.sha256, "backend": backend, "keep_trains": keep_trains, **inputs.identity()}
    if folder is not None and resume and (folder / RESULT).exists():
        check_job(folder, read_record(folder).job, job)
        return read_run(folder)
    runs_on.check(file, batches.period)
    with nullcontext(MemoryResults()) if folder is None else resumable(folder, job, resume) as results:
        runner = _BatchRunner(file, batches, runs_on, results, keep_trains)
        runner.run_all(cumulative(progress, backend, batches.total))
        record = runner.record(inputs, job)
        tables, trains = results.tables(runner.starts), results.trains(runner.starts, keep_trains)
        _warn(record)
        if folder is None:
            import pyarrow as pa

            plain = [table.replace_schema_metadata(None) for table in tables]
            return Run.of(file.path.stem, record, pa.concat_tables(plain), trains)
        write_run(folder, record, tables, trains)
    return read_run(folder)


def split_options(backend: str, options: Mapping[str, Any]) -> tuple[RunInput, Backend]:
    """The inputs and the backend that options describe.

    Raises
    ------
    InputError
        If the backend or an option is unknown, applies to another backend, or cannot be used.
    """
    of_inputs = {field.name for field in fields(RunInput)}
    own = {name: value for name, value in options.items() if name not in of_inputs}
    cls = BACKENDS[backend]
    if not own.keys() <= set(cls.options.__struct_fields__):
        check_applies("--backend", backend, {name: BACKENDS[name].options.__struct_fields__ for name in BACKENDS}, own)
    inputs = RunInput(**{name: value for name, value in options.items() if name in of_inputs})
    return inputs, cls(cls.options.of(**own))


def preprocessing_cost(card: Card | None, embedder: Embedder | None, texts: Sequence[str]) -> dict[str, OpCounts]:
    """What a computer does to make the network's input of some texts: ``embedding`` and ``encoding``.

    Parameters
    ----------
    card
        The network's card, None if another program wrote it.
    embedder
        What makes its vectors, None where it takes texts or where the vectors' origin is unknown.
    texts
        The texts, none where spikes were given.
    """
    if card is None or not texts:
        return {"embedding": OpCounts("spikes", not_counted="ready spikes were given")}
    encoding = card.encoder.host_ops(texts, len(texts), card.window)
    if card.encoder.takes == "texts":
        return {"encoding": encoding}
    unknown = OpCounts("vectors", not_counted="ready vectors of unknown origin were given")
    return {"embedding": embedder.host_ops(texts) if embedder is not None else unknown, "encoding": encoding}


def raise_broken(recording: Recording, kept: str = "") -> None:
    """Raise what ended a recording early, if anything did; `kept` says how to continue.

    Raises
    ------
    StoppedError
        If the user interrupted it.
    BackendError
        If the backend failed.
    """
    if recording.interrupted:
        raise StoppedError("interrupted" + kept)
    if recording.broken is not None:
        raise BackendError(recording.broken + kept)


@dataclass(frozen=True)
class _BatchRunner:
    """What the batches of one run share."""

    file: NetworkFile
    batches: Batches
    backend: Backend
    results: Results
    keep_trains: int

    @property
    def starts(self) -> range:
        """Number of each batch's first sample."""
        return range(0, self.batches.total, self.backend.batch)

    def run_all(self, advance: AdvanceCallback) -> None:
        """Run all samples that are not finished."""
        try:
            for start in self.starts:
                stop = min(start + self.backend.batch, self.batches.total)
                finished = self.results.finished(start)
                advance(len(finished))
                if len(finished) < stop - start:
                    left = np.setdiff1d(np.arange(start, stop), finished)
                    raise_broken(self._run(start, stop, left, advance), "")
        except (BackendError, StoppedError, KeyboardInterrupt) as error:
            done = sum(len(self.results.finished(start)) for start in self.starts)
            kept = f"; {done} of {self.batches.total} samples are done; add --resume to continue" if done else ""
            if isinstance(error, KeyboardInterrupt):
                raise StoppedError("interrupted" + kept) from error
            raise type(error)(f"{error}{kept}") from error

    def _run(self, start: int, stop: int, left: np.ndarray, advance: AdvanceCallback) -> Recording:
        """Run the samples `left` of a batch and keep what was finished, even if not all of them were."""
        batch, period = self.batches.read(start, stop).take(left - start), self.batches.period
        began = time.perf_counter()
        recording = self.backend.record(self.file, batch.samples, period, advance)
        seconds = time.perf_counter() - began
        if len(recording.finished):
            numbers = left[recording.finished]
            self._keep(start, numbers, batch.take(recording.finished), recording, seconds, advance)
        return recording

    def _keep(
        self,
        start: int,
        numbers: np.ndarray,
        batch: Batch,
        recording: Recording,
        seconds: float,
        advance: AdvanceCallback,
    ) -> None:
        network, card, name = self.file.network, self.file.card, self.backend.name
        right = None
        if batch.labels is not None:
            right = AccuracyOverTime(batch.labels, self.batches.window, ignore_ties=ignore_ties(card))
        peers = {name: recording} if recording.trains else {}
        found = compare(
            network,
            batch.samples,
            self.batches.period,
            peers,
            keep_trains=int((numbers < self.keep_trains).sum()),
            on_batch=lambda trains: right.add(trains[-1]) if right is not None else None,
            progress=no_advance if peers else advance,
        )
        if found.first is not None:
            count = sum(layer or 0 for layer in found.differences[name])
            first = found.first.replace(sample=int(numbers[found.first.sample]))
            raise BackendError(f"{name} and emulator differ in {count} spikes; {first}; {self.backend.hint}")
        result = found.result
        table = sample_table(
            result,
            class_scores(result, card),
            batch.rows,
            batch.labels,
            batch.known,
            steps=recording.steps,
            seconds=seconds if peers else result.seconds,
            right_over_time=right.counts.tolist() if right is not None else None,
            unknown_labels=batch.unknown_labels,
            layers_read=[network.layer_names[layer] for layer in sorted(recording.trains)],
            metered=recording.metered,
            preprocessing=preprocessing_cost(card, self.batches.embedder, batch.texts),
        )
        self.results.add(start, numbers, table, result.trains)

    def record(self, inputs: RunInput, job: Mapping[str, Any]) -> RunRecord:
        """The record of the finished run."""
        totals = Totals.of(self.file.network, self.results.each(self.starts))
        card, origin = self.file.card, inputs.data or inputs.spikes
        texts = self.batches.read(0, min(EXAMPLES, self.batches.total)).texts
        return make_record(
            self.file,
            totals,
            self.batches.period,
            {
                "name": Path(origin).stem if origin else None,
                "split": inputs.rows if inputs.data else None,
                "limit": inputs.limit,
                "skipped": dict(self.batches.skipped),
            },
            backend=self.backend.name,
            window=self.batches.window,
            examples=texts,
            presented=[card.encoder.token_steps(text, card.window) for text in texts] if card else [],
            job=dict(job),
        )


def _warn(record: RunRecord) -> None:
    """Say what a reader of the results should know."""
    if record.wraps:
        logger.warning(
            "currents wrapped in the chip's 24 bits %s times, so that its spikes may not be those of training; train "
            "with a smaller --threshold-scale",
            f"{record.wraps:,}",
        )
    if unknown := record.data.unknown_labelled:
        shown = ", ".join(repr(name) for name in list(record.data.unknown_labels)[:3])
        logger.warning(
            "data %s: %d of %d samples have a label that the network lacks (%s) and count as wrong",
            *(record.data.name, unknown, record.samples, shown),
        )
