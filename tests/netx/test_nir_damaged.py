import h5py
import numpy as np
import pytest
from hypothesis import given, settings

from netx.nir_graphs import NETWORK
from snnlp_lava.errors import InputError
from snnlp_lava.netx.network_file import write_network
from snnlp_lava.netx.nir.own import read_nir
from strategies import DAMAGES, card_for


def put(file, name, value):
    """Put another value, an empty group ({}) or nothing (None) in the place of a member."""
    if name in file:
        del file[name]
    if isinstance(value, dict):
        file.create_group(name)
    elif value is not None:
        file[name] = value


NODES = "node/nodes"
CHANGES = {
    "no node": (("node", None), "lacks /node; is it a NIR file"),
    "node a number": (("node", 1), "/node is not a group"),
    "one node": (("node/type", "LIF"), "/node is a LIF, not a NIRGraph"),
    "no type": (("node/type", None), "lacks /node/type"),
    "no nodes": ((NODES, None), "lacks /node/nodes"),
    "no edges": (("node/edges", None), "lacks /node/edges"),
    "edges not pairs": (("node/edges", ["input"]), "/node/edges is no list of pairs"),
    "edges numbers": (("node/edges", np.ones((2, 2))), "/node/edges holds float64, not text"),
    "no input": ((f"{NODES}/input", None), "an edge names 'input', and there is no such node"),
    "two inputs": ((f"{NODES}/output/type", "Input"), "has 2 nodes of type Input"),
    "no output": ((f"{NODES}/output/type", "Flatten"), r"node 'output' \(Flatten\): has shape, which NIR's Flatten"),
    "shape empty": ((f"{NODES}/input/shape", np.zeros(0)), r"node 'input' \(Input\): shape \[\] is none"),
    "shape negative": ((f"{NODES}/input/shape", np.array([-1, -3])), "shape .* is none"),
    "shape huge": (
        (f"{NODES}/input/shape", np.array([1e300, 1e300])),
        "shape \\(2, 3\\), and 1048577 lines lead there",
    ),
    "shape another": ((f"{NODES}/output/shape", np.array([4])), r"node 'output' \(Output\) has 4 lines, and 3 lead"),
    "type two texts": ((f"{NODES}/neurons1/type", ["LIF", "LIF"]), "/node/nodes/neurons1/type is not one text"),
    "type a number": ((f"{NODES}/neurons1/type", 1), "/node/nodes/neurons1/type holds int64, not text"),
    "type unknown": ((f"{NODES}/neurons1/type", "ALIF"), r"node 'neurons1' \(ALIF\): this type is not supported"),
    "more fields": ((f"{NODES}/neurons1/reset", 1), "node 'neurons1' .*: has reset, which NIR's CubaLIF has not"),
    "weight text": ((f"{NODES}/weights1/weight", np.full((2, 3), b"1")), "/node/nodes/weights1/weight is \\|S1"),
    "weight a group": ((f"{NODES}/weights1/weight", {}), "/node/nodes/weights1/weight is not a dataset"),
    "weight of 3 axes": (
        (f"{NODES}/weights1/weight", np.ones((2, 3, 3))),
        "weight has shape \\(2, 3, 3\\); \\(out, in\\)",
    ),
    "weight of 1 axis": ((f"{NODES}/weights1/weight", np.ones(3)), "weight has shape \\(3,\\); \\(out, in\\)"),
    "sizes": ((f"{NODES}/weights2/weight", np.ones((3, 5))), r"node 'weights2' .* \(3, 5\), and 2 lines lead there"),
    "r of 3 values": ((f"{NODES}/neurons1/r", np.ones(3)), "node 'neurons1' .*: r has 3 values for 2 neurons"),
    "no r": ((f"{NODES}/neurons1/r", None), "lacks /node/nodes/neurons1/r"),
    "metadata a number": (("node/metadata", 1), "/node/metadata is not a group"),
    "no card": (("node/metadata/snnlp/card", None), "lacks /node/metadata/snnlp/card"),
    "card no JSON": (("node/metadata/snnlp/card", np.ones(3, np.uint8)), "/node/metadata/snnlp/card is not JSON"),
    "no encoder": (("node/metadata/snnlp/encoder", None), "lacks /node/metadata/snnlp/encoder"),
    "no integers": ((f"{NODES}/neurons2/metadata", None), "node 'neurons2' .* lacks the chip's integers"),
    "integers out of range": (
        (f"{NODES}/neurons2/metadata/snnlp/threshold", 200_000),
        "layer 2: threshold 200000 is outside 1 to 131071",
    ),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
def test_a_file_that_cannot_be_used_says_what_is_wrong(our_nir, change, message):
    with h5py.File(our_nir, "a") as file:
        put(file, *change)
    with pytest.raises(InputError, match=rf"^NIR file .*a\.nir: .*{message}"):
        read_nir(our_nir)


@pytest.mark.parametrize(
    "name", ["node", NODES, f"{NODES}/weights1", f"{NODES}/weights1/weight", "node/edges", "node/metadata"]
)
@pytest.mark.parametrize("kind", ["soft", "external"])
def test_links_are_not_followed(our_nir, name, kind):
    with h5py.File(our_nir.with_name("other.net"), "w") as other, h5py.File(our_nir, "a") as file:
        file.copy(name, other, name)
        file.move(name, "elsewhere")
        file[name] = h5py.SoftLink("/elsewhere") if kind == "soft" else h5py.ExternalLink("other.net", f"/{name}")
    with pytest.raises(InputError, match=f"/{name} is a link to elsewhere, which is not followed"):
        read_nir(our_nir)


def test_a_graph_within_itself_ends(our_nir):
    with h5py.File(our_nir, "a") as file:
        file["node/nodes/inner"] = file["node"]
    with pytest.raises(InputError, match=r"'inner.inner.*' \(NIRGraph\): graphs within graphs are read 4 deep"):
        read_nir(our_nir)


def test_more_nodes_than_any_chip_takes_are_refused(our_nir):
    with h5py.File(our_nir, "a") as file:
        for index in range(256):
            file.create_group(f"node/nodes/{index}")
    with pytest.raises(InputError, match="has 262 nodes; 256 are the most"):
        read_nir(our_nir)


@pytest.mark.parametrize("content", [b"", b"no HDF5", b"\x89HDF\r\n\x1a\n" + b"\xff" * 500])
def test_files_that_are_not_hdf5_are_refused(tmp_path, content):
    (tmp_path / "a.nir").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.nir: is not a readable HDF5 file"):
        read_nir(tmp_path / "a.nir")


def test_a_network_file_is_no_nir_file(tmp_path):
    write_network(tmp_path / "a.net", NETWORK, card_for(NETWORK))
    with pytest.raises(InputError, match=r"a\.net: lacks /node; is it a NIR file"):
        read_nir(tmp_path / "a.net")
    with pytest.raises(InputError, match="no such file"):
        read_nir(tmp_path / "none.nir")


@pytest.mark.parametrize("written_by", ["our_nir", "other_nir"])
@settings(max_examples=100)
@given(damage=DAMAGES)
def test_a_damaged_file_is_read_or_refused(request, written_by, damage):
    damage.is_read_or_refused(request.getfixturevalue(written_by), read_nir)
