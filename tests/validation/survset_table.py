"""Make src/biolab/data/survset.csv: what biolab knows of SurvSet's cohorts without opening them.

python tests/validation/survset_table.py        # made with SurvSet 0.2.11
"""

import csv
from pathlib import Path

from SurvSet.data import SurvLoader
from SurvSet.utils import di_ref

from biolab.data.digest import frame_digest
from biolab.data.survset import survset_frame

OUT = Path(__file__).resolve().parents[2] / "src" / "biolab" / "data" / "survset.csv"
NOTES = {
    "NSBCD": "The same patients as gse4335 (114 of 115 follow-up times agree)",
    "gse4335": "The same patients as NSBCD (114 of 115 follow-up times agree)",
    "nki70": "Shares patients with DBCD",
    "DBCD": "Shares patients with nki70",
    "rott2": "The event is death; GBSG2 records recurrence, so the two share no endpoint",
    "follic": "Event 2 is a competing event",
    "Z243": "No patient is censored",
    "retinopathy": "Two rows a patient: one for each eye",
    "diabetes": "Two rows a patient: one for each eye",
    "flchain": "fac_chapter is the cause of death: missing for those alive",
    "cancer": "The same patients as lung-ncctg",
}


def main() -> None:
    loader, rows = SurvLoader(), []
    for name in sorted(loader.df_ds["ds"], key=str.lower):
        frame = survset_frame(loader.load_pickle(name))
        rows.append(
            {
                "name": name,
                "rows": frame.height,
                "patients": frame["pid"].n_unique(),
                "events": int((frame["event"] > 0).sum()),
                "numbers": sum(column.startswith("num_") for column in frame.columns),
                "factors": sum(column.startswith("fac_") for column in frame.columns),
                "time_dependent": "yes" if "entry" in frame.columns else "no",
                "described_at": di_ref[name],
                "note": NOTES.get(name, ""),
                "sha256": frame_digest(frame),
            }
        )
    with OUT.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


if __name__ == "__main__":
    main()
