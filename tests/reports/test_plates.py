from xml.etree import ElementTree

from biolab.reports import legend_of, page, plates


def test_each_figure_is_a_file_of_its_own_and_stands_in_the_page(small):
    files = plates(small, legend_of(small)).files
    assert set(files) == {
        "kaplan-meier.svg", "transport.svg", "forest-reference.svg", "forest-cox.svg", "matrix-harrell-c.svg",
        "matrix-calibration-slope.svg", "matrix-observed-expected-60.svg", "differences.svg", "calibration-60.svg",
        "pooled-harrell-c.svg", "pooled-calibration-slope.svg",
    }  # fmt: skip
    whole = page(small)
    for content in files.values():
        assert ElementTree.fromstring(content).tag == "{http://www.w3.org/2000/svg}svg"
        assert content in whole
