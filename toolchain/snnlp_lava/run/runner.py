"""Run a network on a backend, batch by batch: every spike that was read is compared with the emulator's."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from snnlp_lava.backends.base import BACKENDS, Backend, Recording
from snnlp_lava.errors import BackendError, InputError, StoppedError
from snnlp_lava.files import StrPath, as_path
from snnlp_lava.netx.network_file import read_network
from snnlp_lava.progress import AdvanceCallback, ProgressCallback, cumulative, no_progress
from snnlp_lava.records import check_applies
from snnlp_lava.run.execute import EXECUTOR, BatchExecutor, pack_task, unpack_part
from snnlp_lava.run.folder import (
    EXAMPLES,
    RESULT,
    Run,
    check_run_folder,
    kept_voltages,
    read_record,
    read_run,
    write_run,
)
from snnlp_lava.run.inputs import Batch, Batches, RunInput
from snnlp_lava.run.partial import MemoryResults, Results, check_job, resumable
from snnlp_lava.run.record import RunRecord
from snnlp_lava.run.samples import Totals, make_record
from snnlp_lava.workers import Event, Failed, Finished, Spread, Task

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
        What to run on, the fields of `snnlp_lava.run.inputs.RunInput` (``texts``, ``data``, ``spikes``, ``values``,
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
    if runs_on.spread is not None and inputs.array is not None:
        raise InputError("--jobs and --scheduler only apply to --text or --data, not --spikes, --values or --events")
    with nullcontext(MemoryResults()) if folder is None else resumable(folder, job, resume) as results:
        executor = BatchExecutor(file, runs_on, batches.embedder, batches.window, batches.period, keep_trains)
        runner = _BatchRunner(executor, batches, results)
        runner.run_all(inputs.words, cumulative(progress, backend, batches.total))
        record = runner.record(inputs, job)
        tables, trains = results.tables(runner.starts), results.trains(runner.starts, keep_trains)
        voltages = kept_voltages(file.network, trains)
        _warn(record)
        if folder is None:
            import pyarrow as pa

            plain = [table.replace_schema_metadata(None) for table in tables]
            return Run.of(file.path.stem, record, pa.concat_tables(plain), trains, voltages)
        write_run(folder, record, tables, trains, voltages)
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

    executor: BatchExecutor
    batches: Batches
    results: Results

    @property
    def starts(self) -> range:
        """Number of each batch's first sample."""
        return range(0, self.batches.total, self.executor.backend.batch)

    def run_all(self, words: Path | None, advance: AdvanceCallback) -> None:
        """Run all samples that are not finished; `words` as in `RunInput`."""
        try:
            spread = self.executor.backend.spread
            if spread is None:
                self._run_here(advance)
            else:
                self._run_on_workers(spread, words, advance)
        except (BackendError, StoppedError, KeyboardInterrupt) as error:
            done = sum(len(self.results.finished(start)) for start in self.starts)
            kept = f"; {done} of {self.batches.total} samples are done; add --resume to continue" if done else ""
            if isinstance(error, KeyboardInterrupt):
                raise StoppedError("interrupted" + kept) from error
            raise type(error)(f"{error}{kept}") from error

    def _left(self, start: int, advance: AdvanceCallback) -> tuple[np.ndarray, Batch] | None:
        """Numbers of the samples of a batch that are not finished, and these samples."""
        stop = min(start + self.executor.backend.batch, self.batches.total)
        finished = self.results.finished(start)
        advance(len(finished))
        if len(finished) == stop - start:
            return None
        left = np.setdiff1d(np.arange(start, stop), finished)
        return left, self.batches.read(start, stop).take(left - start)

    def _run_here(self, advance: AdvanceCallback) -> None:
        for start in self.starts:
            if (left := self._left(start, advance)) is None:
                continue
            recording, part = self.executor.execute(left[1], left[0], advance, self.batches.embedded)
            if part is not None:  # what was finished, even if not all of them were
                self.results.add(start, *part)
            raise_broken(recording)

    def _run_on_workers(self, spread: Spread, words: Path | None, advance: AdvanceCallback) -> None:
        """Send the batches to workers, and keep their results as they come."""

        def tasks() -> Iterator[Task]:
            for start in self.starts:
                if (left := self._left(start, advance)) is not None:
                    yield Task(str(start), pack_task(left[1], left[0]))

        def on_event(event: Event) -> None:
            if isinstance(event, Finished):
                part = unpack_part(event.answer)
                self.results.add(int(event.name), *part)
                advance(len(part.numbers))
            elif isinstance(event, Failed):
                if event.traceback is not None:
                    logger.error("batch from sample %s: %s", event.name, event.traceback.rstrip())
                if event.bad_input:
                    raise InputError(event.reason)
                raise BackendError(f"batch from sample {int(event.name) + 1}: {event.reason}")

        spread(EXECUTOR, self.executor.pack(words), tasks(), on_event)

    def record(self, inputs: RunInput, job: Mapping[str, Any]) -> RunRecord:
        """The record of the finished run."""
        file = self.executor.file
        totals = Totals.of(file.network, self.results.each(self.starts))
        card, origin = file.card, inputs.data or inputs.array
        texts = self.batches.read(0, min(EXAMPLES, self.batches.total)).texts
        return make_record(
            file,
            totals,
            self.batches.period,
            {
                "name": Path(origin).stem if origin else None,
                "split": inputs.rows if inputs.data else None,
                "limit": inputs.limit,
                "skipped": dict(self.batches.skipped),
            },
            backend=self.executor.backend.name,
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
