"""The parts of benchmarks/survset.py: cohorts, folds, models, judgement and the page."""
