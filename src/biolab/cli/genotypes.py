"""``biolab genotypes``: one command a step, from files to files, each telling what it did as one JSON object."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from biolab.core.errors import DataError

from .options import AsJson
from .steps import Step

if TYPE_CHECKING:
    from biolab.genotypes import Dosages, Genotypes

genotypes = App(
    name="genotypes", help="Genotypes: quality control, components, scores, associations.", help_format="plaintext"
)

VariantIds = Annotated[
    Literal["file", "position"],
    Parameter(help="Names of variants: the files', or made of position and alleles where those repeat."),
]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class LimitOptions:
    """What stays; none leaves a step out.

    Parameters
    ----------
    missing_of_variant
        Largest share of missing calls of a variant.
    missing_of_sample
        Largest share of missing calls of a sample.
    minor_allele_frequency
        Smallest frequency of the rarer allele.
    hardy_weinberg
        Smallest p-value of the exact test of Hardy-Weinberg proportions.
    heterozygosity_sd
        How many standard deviations a sample's F may lie from the mean.
    kinship
        Largest kinship of two samples that stay; none (the default) keeps relatives.
    """

    missing_of_variant: float | None = 0.05
    missing_of_sample: float | None = 0.05
    minor_allele_frequency: float | None = 0.01
    hardy_weinberg: float | None = 1e-6
    heterozygosity_sd: float | None = 4.0
    kinship: float | None = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """How the files of genotypes are read.

    Parameters
    ----------
    dosages
        Imputed dosages of NAME.pgen rather than its hard calls. A .vcf, .vcf.gz or .bcf is always read so.
    haploid
        What a VCF's calls of one allele are: refused, counted as they are, or twice.
    """

    variant_ids: VariantIds = "file"
    dosages: Annotated[bool, Parameter(negative="")] = False
    haploid: Literal["refuse", "count", "double"] = "refuse"

    def told(self) -> dict[str, object]:
        """Return what is not as usual, for the settings of a step."""
        usual = SourceOptions()
        return {name: value for name, value in asdict(self).items() if value != getattr(usual, name)}

    def open(self, files: Path) -> "Genotypes | Dosages":
        """Open the files named."""
        from biolab.genotypes import read_dosages, read_plink

        if self.dosages or files.name.endswith((".vcf", ".vcf.gz", ".vcf.bgz", ".bcf")):
            return read_dosages(files, variant_ids=self.variant_ids, haploid=self.haploid)
        return read_plink(files, variant_ids=self.variant_ids)


@genotypes.command
def inspect(files: Path, *, source: SourceOptions | None = None, as_json: AsJson = False) -> None:
    """Open genotypes, check them against their tables and count what is there.

    Parameters
    ----------
    files
        Name of the genotypes without its ending: NAME of NAME.bed, .bim and .fam, or of NAME.pgen, .pvar and .psam;
        or a .vcf, .vcf.gz or .bcf of imputed dosages.
    """
    from biolab.genotypes import Genotypes, allele_frequency, missingness

    chosen = source or SourceOptions()
    given = chosen.open(files)
    counted = allele_frequency(given, founders_only=False).metrics | {"samples": float(given.shape[1])}
    if isinstance(given, Genotypes):
        counted |= missingness(given).metrics
    by_chromosome = given.variants["chromosome"].fill_null("0").value_counts(sort=True)
    Step(
        name="inspect",
        inputs=[files],
        settings=asdict(chosen),
        metrics=counted,
        found={"chromosomes": dict(by_chromosome.iter_rows())},
    ).show(as_json=as_json)


@genotypes.command
def qc(
    files: Path,
    *,
    out: Path,
    limits: LimitOptions | None = None,
    variant_ids: VariantIds = "file",
    as_json: AsJson = False,
) -> None:
    """Leave out variants and samples that fail a limit; write the rest, and a reason for each that went.

    Parameters
    ----------
    files
        Name of the genotypes without its ending.
    out
        Name of what is written: OUT.bed, .bim and .fam, OUT.steps.tsv and OUT.removed.tsv.
    """
    from biolab.data import write_table
    from biolab.genotypes import QualityLimits, quality_control, read_plink

    given = read_plink(files, variant_ids=variant_ids)
    done = quality_control(given, QualityLimits(**asdict(limits or LimitOptions())))
    if 0 in done.genotypes.shape:
        raise DataError(f"{files}: nothing passes these limits ({done.genotypes!r}); see biolab genotypes inspect.")
    done.genotypes.write(out)
    tables = [write_table(f"{out}.steps.tsv", done.table()), write_table(f"{out}.removed.tsv", done.removed)]
    Step(
        name="qc",
        inputs=[files],
        settings=done.settings | {"variant_ids": variant_ids},
        metrics=done.metrics,
        outputs=[f"{out}.bed", f"{out}.bim", f"{out}.fam", *tables],
    ).show(as_json=as_json)


@genotypes.command
def pca(  # noqa: PLR0913 - one keyword an option
    files: Path,
    *,
    out: Path,
    weights: Path | None = None,
    components: int = 10,
    window: int = 50,
    step: int = 5,
    r2: float = 0.2,
    seed: int = 0,
    as_json: AsJson = False,
) -> None:
    """Find principal components of samples, over variants thinned by linkage.

    Parameters
    ----------
    files
        Name of the genotypes without its ending.
    out
        Table of the components: fid, iid, pc1, pc2 and so on.
    weights
        Table by which others project their samples on these components; it holds no person's value.
    components
        How many.
    window
        Variants of a window in which no pair stays that is correlated above the limit; 0 keeps all variants.
    step
        Variants by which windows slide.
    r2
        Largest squared correlation of a pair in a window.
    seed
        Seed of the random projections.
    """
    from biolab.data import write_table
    from biolab.genotypes import pca as principal_components
    from biolab.genotypes import read_plink

    given = read_plink(files)
    kept = _thinned(given, window, step, r2) if window else given
    found = principal_components(kept, components=components, seed=seed)
    Step(
        name="pca",
        inputs=[files],
        settings=found.settings | {"window": window, "step": step, "r2": r2},
        metrics=found.metrics | {"variants": float(found.variants.height), "samples": float(found.samples.height)},
        outputs=[write_table(out, found.table()), *([write_table(weights, found.weights())] if weights else [])],
        found={"eigenvalues": found.eigenvalues.tolist()},
    ).show(as_json=as_json)


@genotypes.command
def project(
    files: Path, weights: Path, *, out: Path, source: SourceOptions | None = None, as_json: AsJson = False
) -> None:
    """Place samples on the principal components of another panel.

    Parameters
    ----------
    files
        Name of the genotypes without its ending, or a .vcf, .vcf.gz or .bcf of imputed dosages.
    weights
        What biolab genotypes pca --weights wrote for the panel.
    out
        Table of the components: fid, iid, pc1, pc2 and so on.
    """
    from biolab.data import scan, write_table
    from biolab.genotypes import project as project_samples

    read = source or SourceOptions()
    given, panel = read.open(files), scan(weights).collect()
    table = project_samples(given, panel)
    shared = panel.join(given.variants, on="variant_id", how="semi").height
    Step(
        name="pca",
        inputs=[files, weights],
        settings={"weights": str(weights)} | read.told(),
        metrics={"variants": float(shared), "of_variants": float(panel.height), "samples": float(table.height)},
        outputs=[write_table(out, table)],
    ).show(as_json=as_json)


def _thinned(given: "Genotypes", window: int, step: int, r2: float) -> "Genotypes":
    from biolab.genotypes import prune

    return given.select(variants=prune(given, window=window, step=step, r2=r2).kept)
