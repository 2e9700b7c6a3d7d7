"""Write the BCF files of this folder with htslib (pysam), each beside its VCF: python make_bcf.py

sample: the records of ../scikit-allel/sample.vcf. wide: simulated, with each type of INFO field, several alternate
alleles, haploid and half-missing calls, and alleles of two digits.
"""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
HEAD = """##fileformat=VCFv4.3
##FILTER=<ID=q10,Description="Quality below 10">
##FILTER=<ID=s50,Description="Less than half, of samples, with data">
##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">
##INFO=<ID=AF,Number=A,Type=Float,Description="Frequency, of alternates">
##INFO=<ID=DB,Number=0,Type=Flag,Description="Known">
##INFO=<ID=AA,Number=1,Type=String,Description="Ancestral">
##INFO=<ID=BIG,Number=.,Type=Integer,Description="Large numbers">
##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Depth">
##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">
##FORMAT=<ID=PL,Number=G,Type=Integer,Description="Likelihoods">
##contig=<ID=7,length=1000>
##contig=<ID=X,length=1000>
"""


def wide() -> str:
    generator = np.random.default_rng(0)
    samples = [f"s{k}" for k in range(23)]
    lines = [HEAD + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + "\t".join(samples)]
    for k in range(60):
        many = 12 if k == 7 else 1 + int(generator.integers(3)) if k % 3 else 1
        alternates = ["G" + "T" * j for j in range(many)]
        alleles = [str(j) for j in range(many + 1)] + ["."]
        calls = []
        for _ in samples:
            sign = "|" if generator.random() < 0.5 else "/"
            one, two = generator.choice(alleles, 2)
            call = str(one) if k % 10 == 9 and generator.random() < 0.4 else f"{one}{sign}{two}"
            calls.append(call if k % 4 else f"{call}:{generator.integers(99)}")
        info = [f"DP={generator.integers(400)}", "AF=" + ",".join(f"{p:g}" for p in generator.random(many).round(3))]
        info += ["DB"] if k % 2 else []
        info += ["AA=" + "ACGT"[k % 4] * (1 + k)] if k % 5 == 0 else []
        info += [f"BIG={generator.integers(1 << 30)},{-generator.integers(1 << 20)},7"] if k % 6 == 0 else []
        quality = "." if k % 7 == 0 else f"{generator.random() * 100:.1f}"
        passed = ("PASS", ".", "q10", "q10;s50")[k % 4]
        shown = "GT:DP" if k % 4 == 0 else "GT"
        name = "." if k % 5 == 3 else f"rs{k}"
        fields = ["7" if k < 40 else "X", str(10 + 3 * k), name, "A", ",".join(alternates), quality, passed]
        lines.append("\t".join([*fields, ";".join(info), shown, *calls]))
    return "\n".join(lines) + "\n"


def main() -> None:
    import pysam

    (HERE / "wide.vcf").write_text(wide())
    text = (HERE.parent / "scikit-allel" / "sample.vcf").read_text()
    contigs = "".join(f"##contig=<ID={name}>\n" for name in ("19", "20", "X"))  # which BCF needs
    (HERE / "sample.vcf").write_text(text.replace("#CHROM", contigs + "#CHROM", 1))
    for name in ("sample", "wide"):
        with pysam.VariantFile(str(HERE / f"{name}.vcf")) as given:
            records = list(given)
            for ending, mode in ((".bcf", "wb"), (".vcf.gz", "wz")):
                with pysam.VariantFile(str(HERE / f"{name}{ending}"), mode, header=given.header) as made:
                    for record in records:
                        made.write(record)
        (HERE / f"{name}.vcf").unlink()


if __name__ == "__main__":
    main()
