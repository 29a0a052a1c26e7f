"""Make Lava work on Python 3.11 and later, and without torchvision.

Four modules of lava-nc 0.10.0 and lava-dl 0.6.0 prevent it. They are patched in memory during import; no file of Lava
is changed:

* ``lava.magma.compiler.var_model`` uses an instance of its class ByteEncoder, which is not hashable, as a
  dataclass default. Python 3.11 refuses that. ByteEncoder is compiled as ``@dataclass(unsafe_hash=True)`` instead.
* ``lava.lib.dl.netx.hdf5`` makes a number of an input layer's weight and bias, which are arrays of one element in files
  of lava-dl. NumPy 2.4 and later, which Python 3.10 does not have, refuse that. They are reshaped first.
* ``lava.magma.core.process.ports.ports`` reshapes with an argument ``newshape``, which NumPy 2.5 no longer has.
* ``lava.lib.dl.slayer.object_detection``, which SLAYER imports and nothing here uses, needs torchvision. If
  that is not installed, an empty module replaces it.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

from snnlp_lava.errors import InputError

LAVA_VERSIONS = {"lava-nc": "0.10.0", "lava-dl": "0.6.0"}
"""The supported releases, which are Lava's last."""

LAVA_WHEELS = {
    "lava-nc": "d646723e888a72868dac77d31beee3eef1f540366a8c1a8578a2dc3302470926",
    "lava-dl": "bcb448f2bb85dc0da4b4dbbbae16543d2a978c1da7279acc522ad621fc68c437",
}
"""SHA-256 of their wheels."""

PIP_REFUSES_LAVA = sys.version_info[:2] > (3, 10)
"""Their metadata allows only Python 3.10."""

_VAR_MODEL = "lava.magma.compiler.var_model"
_OBJECT_DETECTION = "lava.lib.dl.slayer.object_detection"
_CHANGES = {
    _VAR_MODEL: {"@dataclass\nclass ByteEncoder:\n": "@dataclass(unsafe_hash=True)\nclass ByteEncoder:\n"},
    "lava.magma.core.process.ports.ports": {
        f"ft.partial(np.reshape, newshape=self.{name})": f"__import__('operator').methodcaller('reshape', self.{name})"
        for name in ("shape", "old_shape")
    },
    "lava.lib.dl.netx.hdf5": {
        f"int(layer_config['{name}'])": f"int(np.reshape(layer_config['{name}'], ()))" for name in ("weight", "bias")
    },
}


class _ChangedLoader(SourceFileLoader):
    """Compile a module with some of its text replaced, bypassing cached bytecode."""

    def __init__(self, fullname: str, path: str, changes: Mapping[str, str]) -> None:
        super().__init__(fullname, path)
        self.changes = changes

    def get_code(self, fullname: str) -> CodeType:
        source = self.get_source(fullname) or ""
        for before, after in self.changes.items():
            if source.count(before) != 1:
                releases = " and ".join(f"{name} {version}" for name, version in LAVA_VERSIONS.items())
                raise InputError(
                    f"{self.path}: is not the file of {releases}, which are the only ones that run on Python 3.11 and "
                    "later; type: snnlp-lava setup-lava"
                )
            source = source.replace(before, after)
        code: CodeType = compile(source, self.path, "exec", dont_inherit=True)
        return code


class _NoTorchvision(Loader):
    """An empty module whose missing attributes explain why it is empty."""

    def exec_module(self, module: ModuleType) -> None:
        def missing(name: str) -> Any:
            raise AttributeError(f"{_OBJECT_DETECTION} has no {name} because torchvision is not installed")

        vars(module)["__getattr__"] = missing


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in (*_CHANGES, _OBJECT_DETECTION):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None or not isinstance(spec.loader, SourceFileLoader):
            return None
        if fullname == _OBJECT_DETECTION:
            has_torchvision = importlib.util.find_spec("torchvision") is not None
            return None if has_torchvision else ModuleSpec(fullname, _NoTorchvision())
        if not PIP_REFUSES_LAVA:
            return None
        spec.loader = _ChangedLoader(fullname, spec.loader.path, _CHANGES[fullname])
        return spec


def make_lava_importable() -> None:
    """Make ``import lava`` work on every supported Python, in this process and in processes forked from it."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
