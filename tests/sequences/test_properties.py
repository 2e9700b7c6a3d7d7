"""Reading frames, primers, restriction, alignment and antibodies against Biopython and plain definitions."""

import re
from importlib.util import find_spec

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab import sequences as sq
from biolab.core import ConfigError, DataError
from biolab.core.results import AbstractResult
from biolab.sequences import alignment
from biolab.sequences.liabilities import free_cysteines, liabilities

PROTEIN = st.text("ARNDCQEGHILKMFPSTWYV", min_size=1, max_size=30)

# Trastuzumab (IMGT/mAb-DB 97; DrugBank DB00072): the sequences of the approved antibody
HEAVY = (
    "EVQLVESGGGLVQPGGSLRLSCAASGFNIKDTYIHWVRQAPGKGLEWVARIYPTNGYTRYADSVKGRFTISADTSKNTAYLQMNSLRAEDTAVYYCSRWGGDGFYAMDYWGQGTLVTVSSASTK"
    "GPSVFPLAPSSKSTSGGTAALGCLVKDYFPEPVTVSWNSGALTSGVHTFPAVLQSSGLYSLSSVVTVPSSSLGTQTYICNVNHKPSNTKVDKKVEPKSCDKTHTCPPCPAPELLGGPSVFLFPP"
    "KPKDTLMISRTPEVTCVVVDVSHEDPEVKFNWYVDGVEVHNAKTKPREEQYNSTYRVVSVLTVLHQDWLNGKEYKCKVSNKALPAPIEKTISKAKGQPREPQVYTLPPSREEMTKNQVSLTCLV"
    "KGFYPSDIAVEWESNGQPENNYKTTPPVLDSDGSFFLYSKLTVDKSRWQQGNVFSCSVMHEALHNHYTQKSLSLSPGK"
)
LIGHT = (
    "DIQMTQSPSSLSASVGDRVTITCRASQDVNTAVAWYQQKPGKAPKLLIYSASFLYSGVPSRFSGSRSGTDFTLTISSLQPEDFATYYCQQHYTTPPTFGQGTKVEIKRTVAAPSVFIFPPSDEQ"
    "LKSGTASVVCLLNNFYPREAKVQWKVDNALQSGNSQESVTEQDSKDSTYSLSSTLTLSKADYEKHKVYACEVTHQGLSSPVTKSFNRGEC"
)


@settings(derandomize=True, max_examples=15, deadline=None)
@given(st.text("ACGT", max_size=150), st.integers(0, 8))
def test_reading_frames_are_those_of_a_regular_expression(text, minimum):
    found = sq.open_reading_frames(pl.DataFrame({"id": ["x"], "sequence": [text]}), minimum_codons=minimum)
    expected = set()
    for strand, strand_text in (("+", text), ("-", sq.reverse_complement(text))):
        for frame in range(3):
            codons = [strand_text[k : k + 3] for k in range(frame, len(strand_text) - 2, 3)]
            letters = "".join("*" if c in ("TAA", "TAG", "TGA") else "M" if c == "ATG" else "x" for c in codons)
            for match in re.finditer(r"M[Mx]*(\*|$)", letters):
                size = len(match[0].rstrip("*"))
                if size >= minimum:
                    begin, end = frame + 3 * match.start(), frame + 3 * match.end()
                    if strand == "-":
                        begin, end = len(text) - end, len(text) - begin
                    expected.add((begin, end, strand, frame, size, match[0].endswith("*")))
    assert set(found.select("start", "end", "strand", "frame", "codons", "complete").iter_rows()) == expected
    for start, end, strand, complete, protein in found.select(
        "start", "end", "strand", "complete", "protein"
    ).iter_rows():
        piece = text[start:end] if strand == "+" else sq.reverse_complement(text[start:end])
        assert sq.translate(piece) == protein + ("*" if complete else "")


def test_translation_refuses_what_is_no_coding_sequence():
    for wrong in ("ATGGC", "GCCTAA", "ATGGCC", "ATGTAAGCCTAA"):
        with pytest.raises(DataError, match="cannot be translated"):
            sq.translate(wrong, coding=True)
    with pytest.raises(ConfigError, match="No genetic code 99"):
        sq.translate("ATG", table=99)
    with pytest.raises(DataError, match="cannot be translated"):
        sq.translate("ATGJJJ")


def test_primers_have_biopythons_temperature():
    from Bio.SeqUtils import MeltingTemp

    text = "CGTTCCAAAGATGTGGGCATGAGCTTAC"
    conditions = sq.PrimerConditions(sodium_mm=70, magnesium_mm=2, nucleotides_mm=0.2, primer_nm=400)
    found = sq.primer_properties({"p": text}, conditions=conditions)
    expected = MeltingTemp.Tm_NN(text, Na=70, Mg=2, dNTPs=0.2, dnac1=400, dnac2=0, saltcorr=5)
    assert found.table()["melting_temperature_c"].item() == pytest.approx(expected)
    assert found.settings["sodium_mm"] == 70
    assert isinstance(found, AbstractResult)
    row = sq.primer_properties({"p": "GAATTCAAAAAGAATTC"}).table().row(0, named=True)
    assert (row["longest_run"], row["self_dimer"], row["end_dimer"], row["hairpin"]) == (5, 6, 6, 6)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: sq.primer_properties(["ACGTNNNNACGT"]), "'primer 1' is 'ACGTNNNNACGT'"),
        (lambda: sq.primer_properties([]), "No list of primers"),
        (lambda: sq.PrimerConditions(sodium_mm=-1), "sodium_mm is -1"),
        (
            lambda: sq.restriction_sites(pl.DataFrame({"id": ["a"], "sequence": ["ACGJ"]}), enzymes=["EcoRI"]),
            "holds 'J'",
        ),
        (lambda: sq.restriction_sites(pl.DataFrame({"id": ["a"], "sequence": ["A"]}), enzymes=["EcoR1"]), "'EcoR"),
    ],
)
def test_wrong_primers_and_enzymes_are_named(call, error):
    with pytest.raises((DataError, ConfigError), match=error):
        call()


def test_cuts_rejoin_to_the_sequence_and_ends_fit():
    generator = np.random.default_rng(4)
    text = "".join(generator.choice(list("ACGT"), 6000))
    records = pl.DataFrame({"id": ["x"], "sequence": [text]})
    found = sq.restriction_sites(records, enzymes=["EcoRI", "EcoRV", "PstI", "HindIII"])
    for enzyme, cut, other, end in found.table().select("enzyme", "cut", "cut_other_strand", "end").iter_rows():
        shape = {"EcoRI": (1, 4, "5' overhang"), "EcoRV": (3, 0, "blunt"), "PstI": (5, -4, "3' overhang")}.get(
            enzyme, (1, 4, "5' overhang")
        )
        site = {"EcoRI": "GAATTC", "EcoRV": "GATATC", "PstI": "CTGCAG", "HindIII": "AAGCTT"}[enzyme]
        assert text[cut - shape[0] : cut - shape[0] + 6] == site
        assert (other - cut, end) == shape[1:]
    pieces = found.fragments()
    assert "".join(text[a:b] for a, b in pieces.select("start", "end").iter_rows()) == text
    circle = sq.restriction_sites(records, enzymes=["EcoRI"], circular=True)
    assert circle.fragments("EcoRI")["length"].sum() == 6000
    assert found.metrics["cuts"] == found.table().height


ENGINES = [
    "biopython",
    pytest.param("parasail", marks=pytest.mark.skipif(not find_spec("parasail"), reason="needs parasail")),
]


@pytest.mark.parametrize("engine", ENGINES)
@settings(derandomize=True, max_examples=10, deadline=None)
@given(st.lists(PROTEIN, min_size=1, max_size=3), st.lists(PROTEIN, min_size=1, max_size=3),
       st.sampled_from([(-11, -1), (-5, -5), (0, 0), (-3, 0)]), st.sampled_from(["global", "local"]))  # fmt: skip
def test_scores_are_those_of_a_plain_gotoh(engine, queries, targets, gaps, mode):
    alphabet, values = alignment.substitution_matrix("BLOSUM62")
    row = (alignment._parasail_row if engine == "parasail" else alignment._biopython_row)(alphabet, values, *gaps, mode)
    expected = [[gotoh(query, target, *gaps, local=mode == "local") for target in targets] for query in queries]
    assert [row(query, targets) for query in queries] == expected


def gotoh(query: str, target: str, gap_open: int, extend: int, *, local: bool) -> int:
    alphabet, values = alignment.substitution_matrix("BLOSUM62")
    low = -(10**6)
    n, m = len(query), len(target)
    best = np.full((n + 1, m + 1), 0 if local else low)
    right, down = np.full((n + 1, m + 1), low), np.full((n + 1, m + 1), low)
    best[0, 0] = 0
    if not local:
        best[1:, 0] = [gap_open + extend * k for k in range(n)]
        best[0, 1:] = [gap_open + extend * k for k in range(m)]
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            right[i, j] = max(right[i, j - 1] + extend, best[i, j - 1] + gap_open)
            down[i, j] = max(down[i - 1, j] + extend, best[i - 1, j] + gap_open)
            pair = best[i - 1, j - 1] + values[alphabet.index(query[i - 1]), alphabet.index(target[j - 1])]
            best[i, j] = max(pair, right[i, j], down[i, j], 0 if local else low)
    return int(best.max() if local else best[n, m])


def test_scores_carry_names_and_refuse_what_cannot_be_scored():
    found = sq.align_scores(pl.DataFrame({"id": ["a"], "sequence": ["heag"]}), ["HEAG", "PAW"], mode="local", threads=2)
    assert found.table()["query"].to_list() == ["a", "a"]
    assert found.table()["target"].to_list() == ["target 1", "target 2"]
    assert isinstance(found, AbstractResult)
    for arguments, error in (
        ({"queries": ["A?"], "targets": ["A"]}, "'query 1' cannot be aligned: '\\?'"),
        ({"queries": ["A"], "targets": {"x": ""}}, "Target 'x' cannot be aligned: it is empty"),
        ({"queries": "A", "targets": ["A"]}, "is one text"),
        ({"queries": ["A"], "targets": ["A"], "open": 11}, "open is 11"),
        ({"queries": ["A"], "targets": ["A"], "open": -1, "extend": -2}, "must not cost less"),
        ({"queries": ["A"], "targets": ["A"], "matrix": "BLOSUM26"}, "Did you mean 'BLOSUM"),
        ({"queries": ["A"], "targets": ["A"], "mode": "both"}, "mode is 'both'"),
    ):
        with pytest.raises((DataError, ConfigError), match=error):
            sq.align_scores(**arguments)


def test_an_antibody_has_biopythons_numbers_and_known_liabilities():
    from Bio.SeqUtils.ProtParam import ProteinAnalysis

    report = sq.antibody_report(HEAVY, LIGHT)
    row, chains = report.table().row(0, named=True), report.by_chain
    heavy, light = ProteinAnalysis(HEAVY), ProteinAnalysis(LIGHT)
    assert chains["mass_da"].to_list() == pytest.approx([heavy.molecular_weight(), light.molecular_weight()])
    assert chains["isoelectric_point"].to_list() == pytest.approx(
        [heavy.isoelectric_point(), light.isoelectric_point()]
    )
    assert row["disulfides"] == 16
    assert row["mass_da"] == pytest.approx(2 * chains["mass_da"].sum() - 32 * 1.00794)
    clipped = row["mass_da"] - 2 * 128.174  # without the two last lysines
    assert clipped == pytest.approx(145_165, abs=5)  # the usual mass of trastuzumab without glycans
    assert row["absorbance_1_g_per_l"] == pytest.approx(1.48, abs=0.01)
    assert 8.4 < row["isoelectric_point"] < 9.2
    kinds = report.liabilities.filter(kind="N-glycosylation")
    assert kinds.select("chain", "residue").rows() == [("heavy", "N300")]
    assert report.liabilities.filter(kind="free cysteine").is_empty()
    assert "N55" in report.liabilities.filter(kind="deamidation", risk="high")["residue"].to_list()
    assert report.metrics["mass_da"] == row["mass_da"]


def test_positions_point_at_their_motifs_and_a_new_cysteine_is_free():
    for kind, motif, start, residue, _ in liabilities(HEAVY):
        assert HEAVY[start : start + len(motif)] == motif, kind
        assert residue == f"{HEAVY[start]}{start + 1}"
    assert free_cysteines(HEAVY.replace("SRWGGDG", "SRWCGDG")) == [HEAVY.index("SRWGGDG") + 3]


def test_a_panel_compares_chains_and_names_must_match():
    report = sq.antibody_report({"a": HEAVY, "b": HEAVY.replace("NG", "QG")}, {"a": LIGHT, "b": LIGHT})
    identity = report.identity.filter(pl.col("chain") == "light")["identity"].item()
    assert identity == 1.0
    changed = HEAVY.count("NG")
    assert report.identity.filter(pl.col("chain") == "heavy")["identical"].item() == len(HEAVY) - changed
    assert set(report.metrics) >= {"a.mass_da", "b.mass_da"}
    free = sq.antibody_report(HEAVY, LIGHT, bridged=False).table().row(0, named=True)
    assert free["mass_da"] - report.table()["mass_da"][0] == pytest.approx(32 * 1.00794)
    with pytest.raises(DataError, match="'b' has one chain only"):
        sq.antibody_report({"a": HEAVY, "b": HEAVY}, {"a": LIGHT})
    with pytest.raises(DataError, match="light chain, residue 3 is 'X'"):
        sq.antibody_report(HEAVY, "DIX")
    with pytest.raises(DataError, match="its light chain looks like DNA"):
        sq.antibody_report(HEAVY, "gatattcag")


def test_primers_are_found_on_both_strands_and_over_one_another():
    primers = sq.primer_properties({"repeat": "ATATATAT", "left": "GGGACCCA"})
    found = primers.sites("cgatatatatatGGTGGGTCCC".lower())
    assert found.select("name", "start", "end", "strand").rows() == [
        ("repeat", 2, 10, -1), ("repeat", 2, 10, 1), ("repeat", 4, 12, -1), ("repeat", 4, 12, 1), ("left", 14, 22, -1),
    ]  # fmt: skip
    assert primers.sites("A" * 20).is_empty()
    with pytest.raises(DataError, match="template is empty"):
        primers.sites("")


LONE = {"id": ["x"], "sequence": [None]}
NOTHING = pl.DataFrame(LONE, schema={"id": pl.String, "sequence": pl.String})
REFUSED = {
    "frames of nothing": (lambda: sq.open_reading_frames(NOTHING), "Record 'x' has no sequence"),
    "frames with gaps": (lambda: sq.open_reading_frames(NOTHING.fill_null("ATG-TAA")), "Record 'x' holds '-'"),
    "cuts of nothing": (lambda: sq.restriction_sites(NOTHING, enzymes=["EcoRI"]), "Record 'x' has no sequence"),
    "one enzyme": (lambda: sq.restriction_sites(NOTHING, enzymes="EcoRI"), "give a list of names"),
    "no text": (lambda: sq.translate(None), "The sequence is None"),
    "blanks": (lambda: sq.translate("ATG TAA"), "holds ' '"),
    "unsure stops": (lambda: sq.translate("ATG", table=31, to_stop=True), "may stand for an amino acid"),
    "scores of nothing": (lambda: sq.align_scores(NOTHING, ["A"]), "Query 'x' is None"),
    "scores of no names": (lambda: sq.align_scores(NOTHING.select("sequence"), ["A"]), "no column 'id'"),
    "no light chain": (lambda: sq.antibody_report("EVQL", None), "light is None"),
    "a chain missing": (lambda: sq.antibody_report({"a": None}, {"a": "D"}), "its heavy chain is None"),
    "a primer missing": (lambda: sq.primer_properties({"a": None}), "Primer 'a' is None"),
    "reads of nothing": (
        lambda: sq.trim_reads(NOTHING.with_columns(quality="sequence")).collect(),
        "Read 0 of a batch",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_missing_or_no_sequence_is_said(name):
    call, expected = REFUSED[name]
    with pytest.raises((DataError, ConfigError, pl.exceptions.ComputeError), match=expected):
        call()
