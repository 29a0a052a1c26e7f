"""The board: what is done stays done, what is wrong is given up, and nothing of the user's is written over."""

import pytest

from snnlp_lava.errors import InputError
from snnlp_lava.sweep import runner as board_module
from snnlp_lava.sweep.runner import Board
from snnlp_lava.sweep.workers import Began, Failed, Finished

IDENTITY = {"name": "demo", "sha256": "5a" * 32, "vectors": None}


@pytest.fixture
def open_board(tmp_path, monkeypatch):
    """A board in an output folder: open_board(cells, resume)."""
    monkeypatch.setattr(board_module, "identify", lambda source: IDENTITY)
    return lambda cells, resume=False: Board(cells, tmp_path / "out", resume)


@pytest.fixture
def three(cell):
    return [cell("ann"), cell(window=8), cell(window=16)]


def names(cells):
    return [cell.name for cell in cells]


def test_a_cell_is_waiting_then_running_then_done(open_board, three, document):
    board = open_board(three)
    assert (names(board.left), board.running, board.seconds_left) == (names(three), {}, None)
    assert not board.folder.exists()
    event = Began(three[1].name, 123)
    assert board.record(event) is event
    assert (names(board.left), board.running) == (names(three), {three[1].name: 123})
    event = Finished(three[1].name, document(three[1]))
    assert board.record(event) is event
    assert (names(board.left), board.running) == (names([three[0], three[2]]), {})
    assert list(board.done) == [three[1].name]
    assert board.seconds_left > 0
    board.record(Failed(three[0].name, "because"))
    assert (names(board.left), board.failed) == ([three[2].name], {three[0].name: "because"})
    assert [path.name for path in board.folder.iterdir()] == [three[1].name + ".json"]


def test_a_resumed_sweep_has_what_was_done_and_runs_what_failed(open_board, three, document):
    first = open_board(three)
    first.record(Finished(three[2].name, document(three[2])))
    first.record(Failed(three[0].name, "because"))
    (first.folder / "results.csv").write_text("of an earlier end")
    (first.folder / f".{three[0].name}.json.x.tmp").write_text("of a killed process")
    again = open_board(three, resume=True)
    assert (again.found, again.done, names(again.left)) == (1, first.done, names(three[:2]))


def test_a_damaged_result_is_run_anew_and_replaced(open_board, three, document):
    first = open_board(three)
    first.record(Finished(three[0].name, document(three[0])))
    path = first.path(three[0].name)
    whole = path.read_bytes()
    path.write_bytes(whole[:50])
    again = open_board(three, resume=True)
    assert (again.found, names(again.left)) == (0, names(three))
    again.record(Finished(three[0].name, document(three[0])))
    assert path.read_bytes() == whole


def test_a_result_of_another_configuration_stops_the_resumed_sweep(open_board, cell, document):
    first = open_board([cell()])
    other = document(cell())
    other["cell"]["limit"] = 77
    path = first.path(cell().name)
    path.parent.mkdir()
    board_module.write_result(path, other)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"out/demo-sentence-snn-rate-t32-s1\.json: belongs to another configuration"):
        open_board([cell()], resume=True)
    assert path.read_bytes() == before


def test_a_worker_with_other_data_or_another_program_fails_its_cell(open_board, three, document):
    board = open_board(three)
    other_data, incomplete, swapped = (document(one) for one in three)
    other_data["data"]["sha256"] = "00" * 32
    del incomplete["results"]["emulator"]["layers"][0]["synops"]
    for one, wrong in zip(three, (other_data, incomplete, {**swapped, "cell": three[0].record()}), strict=True):
        assert isinstance(board.record(Finished(one.name, wrong)), Failed)
    assert board.failed[three[0].name].startswith("its worker had other data (sha256 0000000000000000, here 5a5a")
    assert board.failed[three[1].name] == "it lacks 'synops'"
    assert board.failed[three[2].name].startswith("its worker had another configuration")
    assert board.done == {}
    assert not board.folder.exists()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda out: (out.mkdir(), (out / "thesis.tex").write_text("mine")), "holds other files; choose another"),
        (lambda out: (out.mkdir(), (out / "a.json").write_text("{}")), "holds 1 results; add --resume to go on, or"),
    ],
)
def test_a_folder_with_something_in_it_is_refused(open_board, three, tmp_path, make, message):
    make(tmp_path / "out")
    with pytest.raises(InputError, match=message):
        open_board(three)


def test_other_files_are_no_sweep_to_go_on_with(open_board, three, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match="holds other files; choose another"):
        open_board(three, resume=True)


def test_an_empty_folder_is_taken(open_board, three, tmp_path):
    (tmp_path / "out").mkdir()
    assert names(open_board(three).left) == names(three)
