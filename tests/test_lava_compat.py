"""What is changed of Lava so that it can be imported, and that nothing else is."""

import base64
import dataclasses
import hashlib
import importlib.util
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from snnlp_lava import lava_compat
from snnlp_lava.errors import InputError

VAR_MODEL = "lava.magma.compiler.var_model"


def path_of(module):
    package, _, name = module.rpartition(".")
    (folder,) = importlib.util.find_spec(package).submodule_search_locations
    return Path(folder) / f"{name}.py"


def var_model_of(path):
    """The file as a module of its own, imported as lava_compat does."""
    loader = lava_compat._ChangedLoader("var_model_of_this_test", str(path), lava_compat._CHANGES[VAR_MODEL])
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    sys.modules[loader.name] = module  # dataclasses look for it there
    try:
        loader.exec_module(module)
    finally:
        del sys.modules[loader.name]
    return module


def classes(module):
    return {name: kind for name, kind in vars(module).items() if dataclasses.is_dataclass(kind)}


def test_of_var_model_byte_encoder_gets_a_hash_and_nothing_else_changes():
    changed = classes(var_model_of(path_of(VAR_MODEL)))
    one = changed["ByteEncoder"]
    assert hash(one(base=1)) == hash(one(base=1))
    assert one(base=1) == one(base=1) != one(base=2)
    assert [name for name, kind in changed.items() if kind.__hash__ is not None] == ["ByteEncoder"]
    source = path_of(VAR_MODEL).read_text("utf-8").splitlines()
    ((old, new),) = lava_compat._CHANGES[VAR_MODEL].items()
    text = path_of(VAR_MODEL).read_text("utf-8").replace(old, new).splitlines()
    differing = [(before, after) for before, after in zip(source, text, strict=True) if before != after]
    assert differing == [("@dataclass", "@dataclass(unsafe_hash=True)")]


@pytest.mark.skipif(sys.version_info >= (3, 11), reason="Lava's own module can be imported on Python 3.10 alone")
def test_the_classes_of_var_model_are_those_of_lava():
    import lava.magma.compiler.var_model as original

    def shapes(module):
        return {
            name: [(field.name, field.type, repr(field.default)) for field in dataclasses.fields(kind)]
            for name, kind in classes(module).items()
        }

    assert not isinstance(original.__loader__, lava_compat._ChangedLoader)
    assert shapes(var_model_of(path_of(VAR_MODEL))) == shapes(original)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="on Python 3.10 Lava is imported as it is")
def test_from_python_3_11_lava_is_imported_with_it():
    import lava.magma.compiler.var_model as module

    assert isinstance(module.__spec__.loader, lava_compat._ChangedLoader)
    assert module.CoreEncoder().x == module.ByteEncoder()


@pytest.mark.parametrize("module", lava_compat._CHANGES)
def test_what_is_changed_stands_once_in_lava_s_file(module):
    source = path_of(module).read_text("utf-8")
    assert [source.count(before) for before in lava_compat._CHANGES[module]].count(1) == len(
        lava_compat._CHANGES[module]
    )


@pytest.mark.parametrize("value", [36, [36]])
def test_netx_takes_the_weight_of_an_input_layer_as_number_or_array(value):
    after = next(iter(lava_compat._CHANGES["lava.lib.dl.netx.hdf5"].values()))
    assert eval(after, {"np": np, "layer_config": {"weight": np.array(value)}}) == 36


@pytest.mark.parametrize("package", lava_compat.LAVA_VERSIONS)
def test_no_file_of_lava_differs_from_its_wheel(package):
    files = [file for file in metadata.files(package) if file.hash is not None and file.suffix == ".py"]
    assert len(files) > 50
    for file in files:
        digest = hashlib.new(file.hash.mode, Path(file.locate()).read_bytes()).digest()
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == file.hash.value, file


@pytest.mark.parametrize("change", ["", "twice", "other"])
def test_another_var_model_is_refused_in_one_line(tmp_path, change):
    source = path_of(VAR_MODEL).read_text("utf-8")
    path = tmp_path / "var_model.py"
    path.write_text(
        {
            "": "",
            "twice": source + source,
            "other": source.replace("@dataclass\nclass ByteEncoder:", "@dataclass(frozen=True)\nclass ByteEncoder:"),
        }[change],
        "utf-8",
    )
    with pytest.raises(InputError) as caught:
        var_model_of(path)
    (line,) = str(caught.value).splitlines()
    assert str(path) in line
    assert lava_compat.LAVA_VERSIONS["lava-nc"] in line
    assert "setup-lava" in line


def test_object_detection_is_an_empty_module_where_torchvision_is_not_installed(monkeypatch):
    name = "lava.lib.dl.slayer.object_detection"
    folder = [str(path_of("lava.lib.dl.slayer.io").parent)]
    finder, module_from_spec = lava_compat._Finder(), importlib.util.module_from_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: object())
    assert finder.find_spec(name, folder) is None  # as Lava has it
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: None)
    module = module_from_spec(finder.find_spec(name, folder))
    module.__spec__.loader.exec_module(module)
    with pytest.raises(AttributeError, match=r"YOLOBase.+torchvision"):
        _ = module.YOLOBase
    assert not hasattr(module, "YOLOBase")


def test_it_is_switched_on_once():
    lava_compat.make_lava_importable()
    lava_compat.make_lava_importable()
    assert sum(isinstance(finder, lava_compat._Finder) for finder in sys.meta_path) == 1
