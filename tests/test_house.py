"""The plan of the house (docs/architecture.md): which way imports point, and where the heavy libraries live."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "toolchain" / "snnlp_lava"
# As in the table there.
ROOMS = (
    *("cli", "sweep", "report", "energy", "backends", "processes"),
    *("train", "netx", "chip", "encode", "embed", "text"),
)
BELOW_ALL = {"errors", "files", "given", "metrics", "progress", "version", "versions"}
HEAVY = {
    "torch": {"train", "embed", "sweep"},
    "sentence_transformers": {"embed"},
    "lava": {"train", "processes", "backends"},
    "distributed": {"sweep"},
    "matplotlib": {"report", "sweep"},
    "click": {"cli"},
    "rich": {"cli"},
}


def imports():
    """(module, what it imports) for all of the package; names below TYPE_CHECKING too."""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).with_suffix("").as_posix()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((module, name.name) for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module}: a relative import"
                yield module, str(node.module)
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
                (name, *_) = node.args
                yield module, name.value if isinstance(name, ast.Constant) else "importlib"


def test_the_rooms_are_the_folders_and_the_table_of_the_docs():
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders == set(ROOMS)
    table = (PACKAGE.parents[1] / "docs" / "architecture.md").read_text("utf-8")
    rows = [line.split("`")[1].rstrip("/") for line in table.splitlines() if line.startswith("| `") and "/` |" in line]
    assert tuple(rows) == ROOMS


def test_imports_point_down():
    seen = 0
    for module, imported in imports():
        if not imported.startswith("snnlp_lava.") or module == "__init__":
            continue
        room, target = module.split("/")[0], imported.split(".")[1]
        if room == target:
            continue
        seen += 1
        if room in BELOW_ALL:
            assert target in BELOW_ALL, f"{module} imports {imported}"
        elif target not in BELOW_ALL:
            assert ROOMS.index(room) < ROOMS.index(target), f"{module} imports {imported}"
    assert seen > 100


@pytest.mark.parametrize("library", HEAVY)
def test_heavy_libraries_are_imported_in_their_rooms_alone(library):
    rooms = {module.split("/")[0] for module, imported in imports() if imported.split(".")[0] == library}
    assert rooms == HEAVY[library]


def test_processes_are_used_by_backends_alone():
    users = {module.split("/")[0] for module, imported in imports() if imported.startswith("snnlp_lava.processes")}
    assert users - {"processes"} == {"backends"}
