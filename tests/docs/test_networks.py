"""docs/networks.md has the table that its script makes."""

import importlib.util
from pathlib import Path


def test_the_table_of_layer_types_is_up_to_date():
    path = Path(__file__).parents[2] / "scripts" / "networks_table.py"
    spec = importlib.util.spec_from_file_location("networks_table", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    text = script.PAGE.read_text("utf-8")
    assert script.page(text) == text, "run python scripts/networks_table.py"
