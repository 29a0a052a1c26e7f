"""The architecture (docs/architecture.md): which way imports point, no circles, and where the heavy libraries live."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "toolchain" / "snnlp_lava"
# As in the table there: a package imports only from those behind it.
PACKAGES = (
    *("cli", "paper", "sweep", "predict", "report", "browser", "run", "backends", "train"),
    *("netx", "chip", "encode", "embed", "text", "network", "energy"),
)
BUILD_FROM_SIZES = {"train/baselines", "train/slayer"}
"""Modules that make layers of a list of sizes; all others ask the network, or the trained weights."""
SHARED = {"errors", "extras", "files", "lava_compat", "metrics", "progress", "records", "registry", "workers"}
HEAVY = {
    "torch": {"train", "embed"},
    "sentence_transformers": {"embed"},
    "lava": {"train", "backends"},
    "distributed": {"workers"},
    "matplotlib": {"report", "paper"},
    "click": {"cli"},
    "rich": {"cli"},
}


def imports():
    """(module, what it imports, whether at its top) for all of the package; names below TYPE_CHECKING too."""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).with_suffix("").as_posix()
        tree = ast.parse(path.read_text("utf-8"))
        top = set(tree.body)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from ((module, name.name, node in top) for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module}: a relative import"
                yield module, str(node.module), node in top
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
                (name, *_) = node.args
                yield module, name.value if isinstance(name, ast.Constant) else "importlib", False


def test_the_packages_are_the_folders_and_the_table_of_the_docs():
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders == set(PACKAGES)
    table = (PACKAGE.parents[1] / "docs" / "architecture.md").read_text("utf-8")
    rows = [line.split("`")[1].rstrip("/") for line in table.splitlines() if line.startswith("| `") and "/` |" in line]
    assert tuple(rows) == PACKAGES


def test_imports_point_down():
    seen = 0
    for module, imported, _ in imports():
        if not imported.startswith("snnlp_lava.") or module == "__init__":
            continue
        package, target = module.split("/")[0], imported.split(".")[1]
        if package == target:
            continue
        seen += 1
        if package in SHARED:
            assert target in SHARED, f"{module} imports {imported}"
        elif target not in SHARED:
            assert PACKAGES.index(package) < PACKAGES.index(target), f"{module} imports {imported}"
    assert seen > 100


def test_modules_of_a_package_import_each_other_in_no_circle():
    graph: dict[str, set[str]] = {}
    for module, imported, top in imports():
        target = imported.removeprefix("snnlp_lava.").replace(".", "/")
        if top and imported.startswith("snnlp_lava.") and target.split("/")[0] == module.split("/")[0]:
            graph.setdefault(module, set()).add(target)
    done: set[str] = set()

    def visit(module, path):
        assert module not in path, " -> ".join((*path, module))
        if module not in done:
            for target in graph.get(module, ()):
                visit(target, (*path, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("library", HEAVY)
def test_heavy_libraries_are_imported_in_their_packages_alone(library):
    packages = {module.split("/")[0] for module, imported, _ in imports() if imported.split(".")[0] == library}
    assert packages == HEAVY[library]


def test_lava_processes_are_used_by_the_lava_backends_alone():
    users = {module.rpartition("/")[0] for module, imported, _ in imports() if "backends.lava.processes" in imported}
    assert users - {"backends/lava/processes"} == {"backends/lava"}


def test_only_what_makes_layers_of_sizes_pairs_or_multiplies_neighbouring_ones():
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        if any(map(_takes_neighbouring_sizes, ast.walk(ast.parse(path.read_text("utf-8"))))):
            found.add(path.relative_to(PACKAGE).with_suffix("").as_posix())
    assert found == BUILD_FROM_SIZES


def _takes_neighbouring_sizes(node):
    """``pairwise(x.sizes)``, ``zip(sizes, sizes[1:])``, ``sizes[i] * sizes[i + 1]``."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {"pairwise", "zip", "prod"}:
        pair = ast.unparse(node.func).split(".")[-1] == "zip"
        return sum("sizes" in ast.unparse(value) for value in node.args) > pair
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return all("sizes[" in ast.unparse(side) for side in (node.left, node.right))
    return False


@pytest.mark.parametrize(
    "text",
    [
        "itertools.pairwise(network.sizes)",
        "zip(sizes, sizes[1:])",
        "zip(self.sizes[:-1], self.sizes[1:], strict=True)",
        "sizes[0] * sizes[1]",
        "math.prod(sizes)",
    ],
)
def test_neighbouring_sizes_are_seen(text):
    assert any(map(_takes_neighbouring_sizes, ast.walk(ast.parse(text))))
