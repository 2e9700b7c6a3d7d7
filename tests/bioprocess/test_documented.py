from pathlib import Path

from biolab.bioprocess import CHOFedBatch, EcoliFedBatch

PAGE = Path(__file__).resolve().parents[2] / "docs" / "bioprocess.md"


def test_the_page_has_every_parameter_as_it_is():
    text = PAGE.read_text("utf-8")
    for plant in (CHOFedBatch(), EcoliFedBatch()):
        for row in plant.parameter_table().iter_rows(named=True):
            line = f"| `{row['name']}` | {row['value']:g} | {row['unit']} | {row['meaning']} | {row['source']} |"
            assert line in text, line
