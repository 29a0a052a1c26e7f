"""Results of a run that is not finished: kept on disk batch by batch, so that it can be resumed, or in memory."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from snnlp_lava.errors import InputError
from snnlp_lava.files import (
    atomic_file,
    folder_lock,
    os_error_text,
    read_json,
    recover_interrupted,
    remove_all,
    write_json,
)

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIX = ".partial"
_JOB = "job.json"
_SAMPLE, _TRAINS = "sample", "trains"
_PART = ".parquet"


class Results(Protocol):
    """Where the tables of finished samples are kept until the run is done.

    `start` is the number of a batch's first sample; a batch that was interrupted has several tables.
    """

    def finished(self, start: int) -> np.ndarray:
        """Numbers of the finished samples of a batch, ascending."""
        ...

    def add(self, start: int, samples: np.ndarray, table: pa.Table, trains: Sequence[np.ndarray]) -> None:
        """Keep a table.

        Parameters
        ----------
        start
            First sample of its batch.
        samples
            (n,) numbers of its samples.
        table
            n rows.
        trains
            Packed trains of the first m of these samples, of the input and every layer.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        ...

    def each(self, starts: Sequence[int]) -> Iterator[pa.Table]:
        """Every table as it was added, with its sums."""
        ...

    def tables(self, starts: Sequence[int]) -> Iterator[pa.Table]:
        """One table for each batch, its samples in order."""
        ...

    def trains(self, starts: Sequence[int], count: int) -> tuple[np.ndarray, ...]:
        """Packed trains of the first samples, of the input and every layer: (count, ...) each, or of all there are."""
        ...


class MemoryResults:
    """Results of a run without a folder."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[pa.Table, Sequence[np.ndarray]]] = {}

    def finished(self, start: int) -> np.ndarray:
        """None, since such a run is not resumed."""
        return np.zeros(0, dtype=np.int64)

    def add(self, start: int, samples: np.ndarray, table: pa.Table, trains: Sequence[np.ndarray]) -> None:
        """As `Results.add`."""
        self._kept[start] = (table, trains)

    def each(self, starts: Sequence[int]) -> Iterator[pa.Table]:
        """As `Results.each`."""
        return (self._kept[start][0] for start in starts)

    tables = each  # each batch is run in one go

    def trains(self, starts: Sequence[int], count: int) -> tuple[np.ndarray, ...]:
        """As `Results.trains`."""
        return tuple(
            np.concatenate(layer)[:count] for layer in zip(*(self._kept[start][1] for start in starts), strict=True)
        )


class PartialResults:
    """Results on disk, in a folder of their own.

    A table is `START-HASH.parquet`, START being the first sample of its batch and HASH that of its bytes, by which
    damage shows. The column ``sample`` numbers the samples. A second file, written before it and named in its metadata,
    holds spike trains of the first of them, packed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def finished(self, start: int) -> np.ndarray:
        """As `Results.finished`."""
        samples = [self._read(path)[_SAMPLE].to_numpy() for path in self._paths(start)]
        return np.sort(np.concatenate(samples)) if samples else np.zeros(0, dtype=np.int64)

    def add(self, start: int, samples: np.ndarray, table: pa.Table, trains: Sequence[np.ndarray]) -> None:
        """As `Results.add`."""
        import pyarrow as pa
        from pyarrow import parquet
        from safetensors.numpy import save

        layers = {f"layer{index}": np.ascontiguousarray(train) for index, train in enumerate(trains)}
        kept = self._write(start, save({_SAMPLE: samples[: len(trains[0])].astype(np.int64), **layers}), ".safetensors")
        stream = pa.BufferOutputStream()
        about = {**table.schema.metadata, _TRAINS: kept}
        parquet.write_table(table.replace_schema_metadata(about).append_column(_SAMPLE, [samples]), stream)
        self._write(start, stream.getvalue().to_pybytes(), _PART)

    def each(self, starts: Sequence[int]) -> Iterator[pa.Table]:
        """As `Results.each`."""
        for start in starts:
            yield from map(self._read, self._paths(start))

    def tables(self, starts: Sequence[int]) -> Iterator[pa.Table]:
        """As `Results.tables`."""
        import pyarrow as pa

        for start in starts:
            table = pa.concat_tables(self._read(path) for path in self._paths(start))
            yield table.sort_by(_SAMPLE).drop_columns([_SAMPLE])

    def trains(self, starts: Sequence[int], count: int) -> tuple[np.ndarray, ...]:
        """As `Results.trains`."""
        first = [start for start in starts if start < max(count, 1)]
        files = [self._read_trains(table) for table in self.each(first)]
        order = np.argsort(np.concatenate([file[_SAMPLE] for file in files]))[:count]
        layers = range(len(files[0]) - 1)
        return tuple(np.concatenate([file[f"layer{index}"] for file in files])[order] for index in layers)

    def _read(self, path: Path) -> pa.Table:
        import pyarrow as pa
        from pyarrow import parquet

        return parquet.read_table(pa.BufferReader(self._read_verified(path)))

    def _read_trains(self, table: pa.Table) -> dict[str, np.ndarray]:
        from safetensors.numpy import load

        return load(self._read_verified(self._folder / table.schema.metadata[_TRAINS.encode()].decode()))

    def _write(self, start: int, content: bytes, suffix: str) -> str:
        """Write a file and return its name."""
        name = f"{start:012}-{_hash(content)}{suffix}"
        with atomic_file(self._folder / name) as temporary:
            temporary.write_bytes(content)
        return name

    def _read_verified(self, path: Path) -> bytes:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise InputError(f"run {path}: cannot be read: {os_error_text(error)}; remove {self._folder}") from error
        if _hash(content) != path.stem.rpartition("-")[2]:
            raise InputError(f"run {path}: is damaged; remove it")
        return content

    def _paths(self, start: int) -> list[Path]:
        return sorted(self._folder.glob(f"{start:012}-*{_PART}"))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


@contextmanager
def resumable(folder: Path, job: Mapping[str, Any], resume: bool) -> Iterator[PartialResults]:
    """The results of a run beside its folder, in `folder`.partial, which is removed when the block succeeds.

    Parameters
    ----------
    folder
        The run folder.
    job
        What is run; results of another job are refused.
    resume
        Whether there may be results; they are kept.

    Raises
    ------
    InputError
        If there are results of another job, damaged or without `resume`, or another process writes there.
    """
    partial = folder.with_name(folder.name + SUFFIX)
    with folder_lock(partial, "run"):
        _claim(partial, job, resume)
        recover_interrupted(folder)
        try:
            yield PartialResults(partial)
            shutil.rmtree(partial)
        finally:
            if not any(partial.glob(f"*{_PART}")):  # what was refused leaves nothing behind
                remove_all(partial.glob("*"))


def _claim(partial: Path, job: Mapping[str, Any], resume: bool) -> None:
    if not (partial / _JOB).exists():
        if any(partial.iterdir()):
            raise InputError(f"run {partial}: holds other files; choose another folder with -o")
        write_json(partial / _JOB, job)
        return
    if not resume:
        raise InputError(f"run {partial}: is not finished; add --resume to continue it, or remove it")
    check_job(partial, read_json(partial / _JOB), job)


def check_job(folder: Path, kept: Mapping[str, Any], job: Mapping[str, Any]) -> None:
    """Make sure that what is in a folder is of this job.

    Raises
    ------
    InputError
        If it is of another; names what differs.
    """
    for name, value in job.items():
        if kept.get(name) != value:
            raise InputError(f"run {folder}: is of another {name}; remove it or choose another folder with -o")
