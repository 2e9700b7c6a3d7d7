"""HGVS names on a spliced gene, on the other strand, and against Biopython's translation of the changed sequence."""

import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolab import sequences as sq
from biolab.core import DataError
from biolab.sequences.coding_sequence import CodingSequence
from biolab.sequences.hgvs_coding import normalised

REAL = Path(__file__).parents[1] / "data" / "real" / "biopython"
EXON_1, INTRON, EXON_2 = "ATGGCAGGGCATCAT", "GTAAGTTTTTAG", "CATTGGCAACTGTAA"
GENE = "CCAGG" + EXON_1 + INTRON + EXON_2 + "GGTTGACC"  # MAGHH HWQL*
FORWARD = CodingSequence(
    name="made", record_id="made", sense=GENE, forward=True, codon_table=1,
    exons=((2, 20), (32, 52)), coding=((5, 20), (32, 47)),
)  # fmt: skip


def turned(coding: CodingSequence) -> CodingSequence:
    return CodingSequence(
        name=coding.name, record_id=coding.record_id, sense=coding.sense, forward=False, exons=coding.exons,
        coding=coding.coding, codon_table=1,
    )  # fmt: skip


CASES = [
    (9, "C", "T", "c.5C>T", "p.(Ala2Val)", "missense_variant"),
    (10, "A", "G", "c.6A>G", "p.(Ala2=)", "synonymous_variant"),
    (5, "A", "G", "c.1A>G", "p.(Met1?)", "start_lost"),
    (37, "G", "A", "c.21G>A", "p.(Trp7Ter)", "stop_gained"),
    (36, "G", "A", "c.20G>A", "p.(Trp7Ter)", "stop_gained"),
    (44, "T", "C", "c.28T>C", "p.(Ter10GlnextTer?)", "stop_lost"),
    (46, "A", "G", "c.30A>G", "p.(Ter10=)", "stop_retained_variant"),
    (11, "G", "", "c.9del", "p.(His4IlefsTer?)", "frameshift_variant"),
    (11, "GGG", "", "c.7_9del", "p.(Gly3del)", "inframe_deletion"),
    (14, "CAT", "", "c.13_15del", "p.(His6del)", "inframe_deletion"),
    (14, "", "CAT", "c.13_15dup", "p.(His6dup)", "inframe_insertion"),
    (11, "", "CTG", "c.6_7insCTG", "p.(Ala2_Gly3insLeu)", "inframe_insertion"),
    (13, "G", "GT", "c.9_10insT", None, "frameshift_variant"),
    (11, "GGGCAT", "TTT", "c.7_11delinsTT", "p.(Gly3_His4delinsPhe)", "inframe_deletion"),
    (11, "GGGCA", "TGCCC", "c.7_11inv", "p.(Gly3_His4delinsCysPro)", "missense_variant"),
    (11, "", "CTGTAG", "c.6_7insCTGTAG", "p.(Ala2_Gly3insLeuTer)", "stop_gained"),
    (12, "", "CTTAAC", "c.7_8insCTTAAC", "p.(Gly3delinsAlaTer)", "stop_gained"),
    (11, "GGGCAT", "CTGTAG", "c.7_12delinsCTGTAG", "p.(Gly3_His4delinsLeuTer)", "stop_gained"),
    (39, "AACTGTAA", "A", "c.24_30del", "p.(Leu9ValfsTer?)", "frameshift_variant"),
    (41, "CTGTAA", "", "c.25_30del", "p.(Leu9GlyfsTer?)", "stop_lost"),
    (41, "CTGTAA", "CATTAG", "c.26_30delinsATTAG", "p.(Leu9His)", "missense_variant"),
    (44, "TAA", "TGA", "c.29A>G", "p.(Ter10=)", "stop_retained_variant"),
    (44, "TAA", "CAT", "c.28_30delinsCAT", "p.(Ter10HisextTer?)", "stop_lost"),
    (44, "TAAGG", "", "c.29_*3del", "p.(Ter10LeuextTer?)", "stop_lost"),
    (43, "GTAAGGT", "", "c.27_*3del", "p.?", "stop_lost"),
    (44, "TAAGG", "TGAC", "c.29_*2delinsGAC", "p.(=)", "stop_retained_variant"),
    (41, "CTGTAAG", "", "c.25_*1del", "p.(Leu9ValfsTer?)", "stop_lost"),
    (44, "TAAG", "CATTGAC", "c.28_*1delinsCATTGAC", "p.(Ter10HisextTer1)", "stop_lost"),
    (41, "CTGTAAGG", "TAGT", "c.25_*2delinsTAGT", "p.(Leu9Ter)", "stop_gained"),
    (20, "G", "A", "c.15+1G>A", "p.?", "splice_donor_variant"),
    (31, "G", "A", "c.16-1G>A", "p.?", "splice_acceptor_variant"),
    (24, "G", "C", "c.15+5G>C", "p.(=)", "intron_variant"),
    (30, "A", "AC", "c.16-2_16-1insC", "p.?", "splice_acceptor_variant"),
    (26, "T", "", "c.16-3del", "p.(=)", "intron_variant"),
    (3, "G", "T", "c.-2G>T", "p.(=)", "5_prime_UTR_variant"),
    (48, "G", "T", "c.*2G>T", "p.(=)", "3_prime_UTR_variant"),
    (0, "C", "T", None, None, "outside_transcript"),
    (0, "CCAGGATG", "C", None, "p.?", "start_lost"),
    (0, "CCAG", "C", None, "p.(=)", "5_prime_UTR_variant"),
    (44, "TAAGGTTGACC", "T", None, "p.?", "stop_lost"),
    (50, "TGACC", "T", None, "p.(=)", "3_prime_UTR_variant"),
    (0, GENE, "C", None, "p.?", "transcript_ablation"),
]


@pytest.mark.parametrize(("start", "reference", "alternate", "coding", "protein", "consequence"), CASES)
def test_names_on_both_strands(start, reference, alternate, coding, protein, consequence):
    if not reference:  # alleles as VCF writes them: with the base before
        start, reference, alternate = start - 1, GENE[start - 1], GENE[start - 1] + alternate
    if not alternate:
        start, reference, alternate = start - 1, GENE[start - 1] + reference, GENE[start - 1]
    plus = sq.variant_effects(
        FORWARD, pl.DataFrame({"start": [start], "reference": [reference], "alternate": [[alternate]]})
    )
    found = plus.table().row(0, named=True)
    assert (found["hgvs_c"], found["consequence"]) == (coding, consequence)
    if protein is not None:
        assert found["hgvs_p"] == protein
    size = len(GENE)
    minus = {
        "start": [size - start - len(reference)],
        "reference": [sq.reverse_complement(reference)],
        "alternate": [sq.reverse_complement(alternate)],
    }
    other = sq.variant_effects(turned(FORWARD), pl.DataFrame(minus)).table().row(0, named=True)
    assert [other[name] for name in ("hgvs_c", "hgvs_p", "consequence")] == [
        found[name] for name in ("hgvs_c", "hgvs_p", "consequence")
    ]


@settings(derandomize=True, max_examples=25, deadline=None)
@given(st.integers(5, 44), st.integers(0, 5), st.text("ACGT", max_size=5))
def test_a_change_keeps_its_meaning_when_moved(start, size, alternate):
    reference = GENE[start : start + size]
    change = normalised(FORWARD, start, reference, alternate)
    whole = GENE[:start] + alternate + GENE[start + size :]
    assert GENE[: change.start] + change.alternate + GENE[change.end :] == whole
    assert GENE[change.start : change.end] == change.reference


@settings(derandomize=True, max_examples=25, deadline=None)
@given(st.integers(3, 26), st.sampled_from("ACGT"))
def test_missense_names_are_biopythons_translation(at, letter):
    from Bio.Seq import Seq
    from Bio.SeqUtils import seq3

    bases = FORWARD.bases
    if bases[at] == letter:
        return
    place = at + (5 if at < 15 else 17)
    changed = bases[:at] + letter + bases[at + 1 :]
    old, new = (str(Seq(text).translate())[at // 3] for text in (bases, changed))
    table = sq.variant_effects(
        FORWARD, pl.DataFrame({"start": [place], "reference": [bases[at]], "alternate": [letter]})
    )
    assert table.table()["hgvs_c"].item() == f"c.{at + 1}{bases[at]}>{letter}"
    expected = "=" if old == new else "Ter" if new == "*" else seq3(new)
    assert table.table()["hgvs_p"].item() == f"p.({seq3(old)}{at // 3 + 1}{expected})"


def test_a_gene_of_three_exons_from_its_record():
    coding = sq.coding_sequence(REAL / "cor6_6.gb", "kin2")
    assert [end - begin for begin, end in coding.coding] == [57, 71, 76]
    assert coding.protein.startswith("MSETNKNAFQAGQ")
    assert coding.place(coding.coding[0][1]).label == "57+1"
    assert coding.place(coding.coding[1][0] - 1).label == "58-1"
    first = coding.sense[coding.coding[0][0] + 3]
    frame = pl.DataFrame(
        {"start": [coding.coding[0][0] + 3], "reference": [first], "alternate": ["A" if first != "A" else "C"]}
    )
    assert sq.variant_effects(coding, frame).table()["hgvs_c"].item().startswith("c.4")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("csp14", "is partial"), ("nothing", "holds 0 coding sequences"), (None, "holds 6 coding sequences")],
)
def test_what_has_no_effects_is_refused(name, expected):
    with pytest.raises(DataError, match=expected):
        sq.coding_sequence(REAL / "cor6_6.gb", name)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((9, "G", "T"), "said to be 'G', made has 'C'"), ((9, "C", "<DEL>"), "alleles of A, C, G and T"),
        ((9, "C", ["T", "G"]), "expected one allele"), ((900, "C", "T"), "made has ''"),
        ((None, "C", "T"), "start is None"), ((9, None, "T"), "reference None"), (("9", "C", "T"), "start is String"),
    ],
)  # fmt: skip
def test_alleles_are_checked(row, expected):
    frame = pl.DataFrame({"start": [row[0]], "reference": [row[1]], "alternate": [row[2]]})
    with pytest.raises(DataError, match=expected):
        sq.variant_effects(FORWARD, frame)


def test_a_reading_that_runs_off_the_record_is_not_known():
    short = replace(FORWARD, sense=GENE[:47], exons=FORWARD.coding)
    found = sq.variant_effects(short, pl.DataFrame({"start": [43], "reference": ["GTA"], "alternate": ["G"]})).table()
    assert found.select("hgvs_p", "consequence").row(0) == ("p.?", "stop_lost")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("/translation=", '/transl_table=27\n                     /note="'), "code 27 may stand for amino acids"),
        (("        1 " + GENE.lower() + "\n", ""), "the record has no sequence"),
    ],
)
def test_records_whose_protein_is_unsure_are_refused(tmp_path, change, expected):
    record = (
        f"LOCUS       TOY {len(GENE):>23} bp    DNA     linear   SYN 01-JAN-2026\nACCESSION   TOY\nVERSION     TOY.1\n"
        f"FEATURES             Location/Qualifiers\n     CDS             join(6..20,33..47)\n{' ' * 21}/gene="
        f'"toy"\n{" " * 21}/translation="MAGHHHWQL"\nORIGIN\n        1 {GENE.lower()}\n//\n'
    )
    path = tmp_path / "toy.gb"
    path.write_text(record)
    assert sq.coding_sequence(path).protein == "MAGHHHWQL*"
    path.write_text(record.replace(*change))
    with pytest.raises(DataError, match=expected):
        sq.coding_sequence(path)


def test_a_gene_of_a_plasmid_is_found_by_its_label():
    coding = sq.coding_sequence(REAL / "pBAD30.gb", "araC")
    assert not coding.forward
    assert coding.protein.endswith("*")
    assert len(coding.bases) == 879


def test_a_deletion_of_an_untranslated_exon_from_outside_may_change_splicing():
    with_exon = replace(FORWARD, exons=((1, 3), *FORWARD.exons[1:]), coding=((32, 47),))
    for start, reference, alternate, expected in (
        (0, "CCAGGAT", "T", ("p.?", "splice_region_variant")),
        (0, "CCA", "A", ("p.(=)", "5_prime_UTR_variant")),
    ):
        row = pl.DataFrame({"start": [start], "reference": [reference], "alternate": [alternate]})
        assert sq.variant_effects(with_exon, row).table().select("hgvs_p", "consequence").row(0) == expected


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.integers(38, 46), st.integers(48, 60), st.text("ACGT", max_size=7))
def test_changes_over_the_stop_are_read_on_as_biopython_translates(start, end, alternate):
    from Bio.Seq import Seq
    from Bio.SeqUtils import seq3

    sense = GENE[:52] + "CATAGCCTGATTAACC"
    coding = replace(FORWARD, sense=sense, exons=((2, 20), (32, len(sense))))
    text = EXON_1 + sense[32:start] + alternate + sense[end:]
    altered = str(Seq(text[: len(text) // 3 * 3]).translate(to_stop=False))
    stop = altered.find("*")
    altered = altered[: stop + 1] if stop >= 0 else altered
    row = pl.DataFrame(
        {"start": [start - 1], "reference": [sense[start - 1 : end]], "alternate": [sense[start - 1] + alternate]}
    )
    found = sq.variant_effects(coding, row).table().row(0, named=True)
    reference = FORWARD.protein
    first = next((k for k, (a, b) in enumerate(zip(reference, altered, strict=False)) if a != b), None)
    if altered == reference:
        assert found["consequence"] == "stop_retained_variant"
    elif first is None:
        assert found["hgvs_p"] == "p.?"
    else:
        new = "Ter" if altered[first] == "*" else seq3(altered[first])
        old = "Ter" if reference[first] == "*" else seq3(reference[first])
        assert f"{old}{first + 1}" in found["hgvs_p"]
        assert new in found["hgvs_p"].split(f"{old}{first + 1}")[1]
        distance = re.search(r"(ext|fs)Ter(\d+|\?)", found["hgvs_p"])
        if distance is not None:
            expected = stop - first + (distance[1] == "fs")
            assert distance[2] == (str(expected) if stop >= 0 else "?")
