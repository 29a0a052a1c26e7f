"""How a Loihi 2 is reached: SLURM or Ethernet, in Lava's environment variables."""

from __future__ import annotations

import os
from typing import Any

from snnlp_lava.backends.lava_job import Board
from snnlp_lava.errors import InputError, first_line

GENERATIONS = ("N3B2", "N3B3", "N3C1", "N3D1")
"""Loihi 2 among `lava.utils.loihi.ChipGeneration`."""


def use_host(board: Board) -> None:
    """Set Lava's environment variables as a board says; what it does not say stays as it is.

    Raises
    ------
    InputError
        If Intel's extension is not installed, or the host cannot be used.
    """
    from lava.utils import loihi

    if not loihi.is_installed():
        raise InputError(
            "a Loihi 2 needs Intel's closed extension lava-loihi, for members of its research community (INRC), which "
            "is not installed; --backend sim gives the same spikes, check --chip loihi2 says whether a network fits"
        )
    if board.host is None and not (board.partition or board.name or board.generation):
        return
    host = board.host or ("ethernet" if {"NOSLURM", "NXSDKHOST"} & os.environ.keys() else "slurm")
    try:
        if host == "slurm":
            _use_slurm(board)
        else:
            _use_ethernet(board)
    except (ImportError, OSError, ValueError) as error:
        raise InputError(f"--host {host}: {first_line(error)}") from error


def _use_slurm(board: Board) -> None:
    from lava.utils import loihi

    partition = board.partition or os.environ.get("PARTITION")
    name = board.name or os.environ.get("BOARD")
    loihi.use_slurm_host(loihi_gen=_generation(board))
    # Lava takes both away when they are not given, and fails on the last line of sinfo when they are (0.10.0).
    for variable, value in (("PARTITION", partition), ("BOARD", name)):
        if value:
            os.environ[variable] = value


def _use_ethernet(board: Board) -> None:
    from lava.utils import loihi

    if board.partition:
        raise InputError(f"--partition {board.partition} belongs to --host slurm")
    address = board.name or os.environ.get("NXSDKHOST")
    if not address:
        raise InputError("--host ethernet needs the host's address: --board ADDRESS, or NXSDKHOST")
    binary = os.environ.get("HOST_BINARY")
    path = {"host_binary_path": binary} if binary else {}
    loihi.use_ethernet_host(address, loihi_gen=_generation(board), **path)


def _generation(board: Board) -> Any:
    from lava.utils.loihi import ChipGeneration

    name = board.generation or os.environ.get("LOIHI_GEN") or "N3B3"
    if name not in GENERATIONS:
        raise InputError(f"LOIHI_GEN {name!r} is no Loihi 2 (known: {', '.join(GENERATIONS)})")
    return ChipGeneration[name]
