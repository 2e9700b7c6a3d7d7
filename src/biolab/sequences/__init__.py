"""Sequences: reads and their quality, k-mers, reading frames, primers, restriction, alignment, antibodies, variants."""

from biolab.data import read_fasta as read_fasta
from biolab.data import read_fastq as read_fastq
from biolab.data import read_genbank as read_genbank

from .alignment import AlignmentScores as AlignmentScores
from .alignment import align_scores as align_scores
from .antibody import AntibodyReport as AntibodyReport
from .antibody import antibody_report as antibody_report
from .coding_sequence import CodingSequence as CodingSequence
from .coding_sequence import coding_sequence as coding_sequence
from .kmers import KmerSpectrum as KmerSpectrum
from .kmers import kmer_spectrum as kmer_spectrum
from .minhash import MinHashDistances as MinHashDistances
from .minhash import minhash_distances as minhash_distances
from .primers import PrimerConditions as PrimerConditions
from .primers import PrimerProperties as PrimerProperties
from .primers import primer_properties as primer_properties
from .quality import QualityProfile as QualityProfile
from .quality import quality_profile as quality_profile
from .reading_frames import open_reading_frames as open_reading_frames
from .reading_frames import reverse_complement as reverse_complement
from .reading_frames import translate as translate
from .restriction import RestrictionMap as RestrictionMap
from .restriction import restriction_sites as restriction_sites
from .trimming import trim_reads as trim_reads
from .variant_effect import VariantEffects as VariantEffects
from .variant_effect import variant_effects as variant_effects
