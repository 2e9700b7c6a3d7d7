"""Imputed dosages of VCF files: what stands in DS, calls where there is none, and what is refused."""

import gzip

import numpy as np
import pytest

from biolab.core import ConfigError, DataError
from biolab.data.dosage_rows import open_dosages

HEAD = """##fileformat=VCFv4.3
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=DS,Number={number},Type=Float,Description="Dosage">
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts1\ts2\ts3
"""
RECORDS = """chr1\t7\trs1\tA\tG\t.\t.\t.\tGT:DS\t0/1:0.9\t0/0\t./.:.
1\t8\trs2\tA\t.\t.\t.\t.\tGT\t0/0\t0/0\t0/0
23\t9\trs3\tC\tT\t.\t.\t.\tGT\t1/1\t0/1\t./.
1\t10\trs4\tC\tT\t.\t.\t.\tDS\t2.0005\t.\t0
"""
EXPECTED = [[0.9, 0, np.nan], [2, 1, np.nan], [2, np.nan, 0]]


def written(folder, records, number="1", name="a.vcf"):
    text = HEAD.format(number=number) + records
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def all_rows(files, places=None, numbers=1 << 20):
    return np.concatenate([np.empty((0, files.rows.samples)), *files.rows.blocks(places, numbers)])


@pytest.mark.parametrize("name", ["a.vcf", "a.vcf.gz"])
def test_dosages_are_ds_and_calls_where_there_is_none(tmp_path, name):
    files = open_dosages(written(tmp_path, RECORDS, name=name))
    assert files.variants["variant_id"].to_list() == ["rs1", "rs3", "rs4"]
    assert files.variants["chromosome"].to_list() == ["1", "X", "1"]
    assert files.variants["position"].to_list() == [7, 9, 10]
    assert files.variants.select("effect_allele", "other_allele").rows() == [("G", "A"), ("T", "C"), ("T", "C")]
    assert files.samples.select("fid", "iid", "sex").rows() == [("0", f"s{k}", None) for k in (1, 2, 3)]
    np.testing.assert_allclose(all_rows(files), EXPECTED, rtol=1e-6)
    blocks = list(files.rows.blocks(None, 1))
    assert [len(block) for block in blocks] == [1, 1, 1]
    np.testing.assert_allclose(all_rows(files, np.array([0, 2])), [EXPECTED[0], EXPECTED[2]], rtol=1e-6)
    assert all_rows(files, np.array([], dtype=int)).shape == (0, 3)


def test_an_allele_of_several_has_its_own_dosage(tmp_path):
    record = "1\t7\trs1\tA\tG,T\t.\t.\t.\tGT:DS\t0/1:0.9,0.1\t1/2:1,1\t0/2:.,0.8\n"
    path = written(tmp_path, record, number="A")
    with pytest.raises(DataError, match=r"'rs1' stands at 1:7 and 1:7 \(2 rows.*variant_ids='position'"):
        open_dosages(path)
    files = open_dosages(path, variant_ids="position")
    assert files.variants["variant_id"].to_list() == ["1:7:A:G", "1:7:A:T"]
    np.testing.assert_allclose(all_rows(files), [[0.9, 1, 0], [0.1, 1, 0.8]], rtol=1e-6)


def test_calls_of_one_allele(tmp_path):
    path = written(tmp_path, "X\t7\trs1\tA\tG\t.\t.\t.\tGT:DS\t1:0.9\t0/1:1.2\t0\n")
    with pytest.raises(DataError, match="has one allele where two are expected"):
        all_rows(open_dosages(path))
    np.testing.assert_allclose(all_rows(open_dosages(path, haploid="count")), [[0.9, 1.2, 0]], rtol=1e-6)
    np.testing.assert_allclose(all_rows(open_dosages(path, haploid="double")), [[1.8, 1.2, 0]], rtol=1e-6)
    with pytest.raises(ConfigError, match="haploid is 'half'"):
        open_dosages(path, haploid="half")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ("1\t7\trs1\tA\tG\t.\t.\t.\tGT:DS\t0/1:1\t0/0:2.4\t0/0\n", r"a\.vcf, 1:7, sample 's2': the dosage .* is 2\.4"),
        ("1\t7\trs1\tA\tG\t.\t.\t.\tGT:DS\t0/1:-1\t0/0\t0/0\n", r"sample 's1': the dosage .* is -1"),
        ("1\t7\trs1\tA\tG\t.\t.\t.\tGT:DS\t0/1:x\t0/0\t0/0\n", r"line 5, sample 's1': FORMAT DS is 'x'"),
        ("1\t7\trs1\tA\tG,C\t.\t.\t.\tDS\t1\t0\t0\n", r"1:7: there are several alternate alleles, but one"),
    ],
)
def test_faulty_dosages_are_refused(tmp_path, record, said):
    files = open_dosages(written(tmp_path, record), variant_ids="position")
    with pytest.raises(DataError, match=said):
        all_rows(files)


def test_files_without_dosages_are_refused(tmp_path):
    path = written(tmp_path, RECORDS)
    path.write_text(path.read_text().replace("ID=DS", "ID=GP"))
    with pytest.raises(DataError, match=r"a\.vcf declares GP but no dosages .*bcftools \+dosage"):
        open_dosages(path)
    path.write_text(path.read_text().replace("ID=GP", "ID=XX").replace(":DS", ":XX").replace("\tDS", "\tXX"))
    np.testing.assert_array_equal(all_rows(open_dosages(path))[0], [1, 0, np.nan])  # calls, for there is nothing else
    with pytest.raises(DataError, match=r"nothing\.pgen does not exist\. Dosages come from NAME\.pgen"):
        open_dosages(tmp_path / "nothing")
    (tmp_path / "b.bed").touch()
    with pytest.raises(DataError, match=r"b\.pgen does not exist\. .*b\.bed holds hard calls: read it as genotypes"):
        open_dosages(tmp_path / "b")
