"""One run from a network file and a selection to a run folder: chunk by chunk, so that it can be interrupted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from snnlp_lava.backends.base import BrokenRunError, RunResult
from snnlp_lava.backends.emulator import run_emulator
from snnlp_lava.backends.lava.job import Board
from snnlp_lava.embed.base import OpCounts
from snnlp_lava.embed.embedders import Embedder
from snnlp_lava.encode.base import Samples
from snnlp_lava.errors import BackendError, StoppedError
from snnlp_lava.files import StrPath, as_path, check_choice, check_int, read_json, sha256_of_file
from snnlp_lava.metrics import AccuracyOverTime
from snnlp_lava.netx.card import Card
from snnlp_lava.progress import ProgressCallback, cumulative, no_progress
from snnlp_lava.run.folder import EXAMPLES, RESULT, Source, check_run_folder, write_run
from snnlp_lava.run.inputs import Chosen, Chunk, Selection, choose
from snnlp_lava.run.partial import Parts, check_job, partial_run
from snnlp_lava.run.record import Totals, class_scores, ignore_ties, sample_table


def preprocessing_cost(card: Card | None, embedder: Embedder | None, texts: Sequence[str]) -> dict[str, OpCounts]:
    """What a computer does to make the network's input of the texts of a run: ``embedding`` and ``encoding``.

    Parameters
    ----------
    card
        The network's card, None if another program wrote it.
    embedder
        What makes its vectors, None where it takes texts or where the vectors' origin is unknown.
    texts
        All texts of the run, none where spikes were given.
    """
    if card is None or not texts:
        return {"embedding": OpCounts("spikes", not_counted="ready spikes were given")}
    encoding = card.encoder.host_ops(texts, len(texts), card.window)
    if card.encoder.takes == "texts":
        return {"encoding": encoding}
    unknown = OpCounts("vectors", not_counted="ready vectors of unknown origin were given")
    return {"embedding": embedder.host_ops(texts) if embedder is not None else unknown, "encoding": encoding}


logger = logging.getLogger(__name__)


CHUNK = {"emulator": 8192, "sim": 1024, "loihi2": 1 << 16}
"""Samples that are run, and kept on disk, in one go; starting Lava takes as long as some 20 samples, a board longer."""


def run_network(
    path: StrPath,
    selection: Selection,
    backend: str,
    folder: StrPath,
    *,
    jobs: int = 1,
    board: Board | None = None,
    keep_trains: int = EXAMPLES,
    resume: bool = False,
    report: ProgressCallback = no_progress,
) -> None:
    """Run a network file on a backend and write the run folder; `board` is loihi2's.

    Finished samples are kept beside it, see `snnlp_lava.run.partial`, and the run goes on from there with `resume`;
    what comes out is the same.

    Raises
    ------
    InputError
        If the backend is unknown, or the network, the selection, the folder or a number cannot be used.
    BackendError
        If the backend fails, or its spikes are not the emulator's.
    StoppedError
        If it is interrupted.
    """
    path, folder = as_path(path), as_path(folder)
    check_choice("backend", backend, tuple(CHUNK))
    check_int("jobs", jobs)
    check_int("keep_trains", keep_trains, 0)
    check_run_folder(folder)
    sha256 = sha256_of_file(path) if path.is_file() else None
    job = {"network": sha256, "backend": backend, "keep_trains": keep_trains, **selection.identity()}
    if resume and (folder / RESULT).exists():
        check_job(folder, read_json(folder / RESULT).get("job", {}), job)
        return
    if backend == "loihi2":
        from snnlp_lava.backends.lava.loihi2 import check_board

        board = board or Board()
        check_board(path, board, own_period=selection.spikes is None)
    else:
        board = None
    chosen = choose(path, selection, report)
    starts = range(0, chosen.total, CHUNK[backend])
    advance = cumulative(report, backend, chosen.total)
    with partial_run(folder, job, resume) as parts:
        running = _Running(path, chosen, backend, parts, jobs, board, keep_trains)
        try:
            for start in starts:
                stop = min(start + CHUNK[backend], chosen.total)
                finished = parts.finished(start)
                advance(len(finished))
                if len(finished) < stop - start:
                    running.run(start, stop, np.setdiff1d(np.arange(start, stop), finished), advance)
        except (BrokenRunError, KeyboardInterrupt) as error:
            done = sum(len(parts.finished(start)) for start in starts)
            raise _ended_early(error, done, chosen.total) from error
        totals = Totals.of(chosen.network, parts.each(starts))
        wraps = sum(layer["wraps"] for layer in totals.layers)
        if wraps:
            logger.warning(
                "currents wrapped in the chip's 24 bits %s times, so that its spikes may not be those of training; "
                "train with a smaller --threshold-scale",
                f"{wraps:,}",
            )
        source = _source(path, selection, chosen, job, parts.preprocessing(starts))
        trains = parts.trains(starts, keep_trains)
        write_run(folder, totals, parts.tables(starts), trains, chosen.network, chosen.card, source)


def _ended_early(error: BrokenRunError | KeyboardInterrupt, done: int, total: int) -> BackendError | StoppedError:
    kept = f"; {done} of {total} samples are done; the same command with --resume goes on" if done else ""
    if isinstance(error, KeyboardInterrupt) or error.interrupted:
        return StoppedError("interrupted" + kept)
    return BackendError(f"{error}{kept}")


@dataclass(frozen=True)
class _Running:
    """What the chunks of one run share."""

    path: Path
    chosen: Chosen
    backend: str
    parts: Parts
    jobs: int
    board: Board | None
    keep_trains: int

    def run(self, start: int, stop: int, left: np.ndarray, progress: Callable[[int], None]) -> None:
        """Run the samples `left` of a chunk and keep what they did, even if the run breaks before all are done."""
        chunk = self.chosen.chunk(start, stop).take(left - start)
        keep_trains = int((left < self.keep_trains).sum())
        right = self._right_over_time(chunk.labels)
        try:
            result = self._execute(chunk.samples, keep_trains, progress, right)
        except BrokenRunError as broken:
            if broken.result is not None:
                done = broken.finished
                self._keep(start, chunk.take(done), left[done], broken.result, right)
            raise
        self._keep(start, chunk, left, result, right)

    def _right_over_time(self, labels: np.ndarray | None) -> AccuracyOverTime | None:
        if labels is None:
            return None
        return AccuracyOverTime(labels, self.chosen.window, ignore_ties=ignore_ties(self.chosen.card))

    def _execute(
        self, samples: Samples, keep_trains: int, progress: Callable[[int], None], right: AccuracyOverTime | None
    ) -> RunResult:
        network, period = self.chosen.network, self.chosen.period
        run: Callable[..., RunResult]
        if self.backend == "sim":
            from snnlp_lava.backends.lava.sim import run_sim

            run = partial(run_sim, self.path, network, samples, period, jobs=self.jobs)
        elif self.board is not None:
            from snnlp_lava.backends.lava.loihi2 import run_loihi2

            run = partial(run_loihi2, self.path, network, samples, period, self.board)
        else:
            run = partial(run_emulator, network, samples, period)
        return run(keep_trains=keep_trains, progress=progress, inspect=_adding(right))

    def _keep(
        self, start: int, chunk: Chunk, numbers: np.ndarray, result: RunResult, right: AccuracyOverTime | None
    ) -> None:
        chosen = self.chosen
        scores = class_scores(result, chosen.card)
        counts = right.counts if right is not None else None
        table = sample_table(result, scores, chunk.rows, chunk.labels, counts)
        preprocessing = preprocessing_cost(chosen.card, chosen.embedder, chunk.texts)
        self.parts.add(start, numbers, table, result.trains, preprocessing)


def _adding(right: AccuracyOverTime | None) -> Callable[[Sequence[np.ndarray]], None]:
    def inspect(trains: Sequence[np.ndarray]) -> None:
        if right is not None:
            right.add(trains[-1])

    return inspect


def _source(
    path: Path, selection: Selection, chosen: Chosen, job: dict[str, Any], preprocessing: dict[str, OpCounts]
) -> Source:
    origin = selection.data or selection.spikes
    texts = chosen.chunk(0, min(EXAMPLES, chosen.total)).texts
    card = chosen.card
    return Source(
        network=path.name,
        sha256=job["network"],
        backend=job["backend"],
        window=chosen.window,
        period=chosen.period,
        data=Path(origin).stem if origin else None,
        part=selection.part if selection.data else None,
        limit=selection.limit,
        job=job,
        texts=texts,
        presented=[card.encoder.token_steps(text, card.window) for text in texts] if card else [],
        preprocessing=preprocessing,
    )
