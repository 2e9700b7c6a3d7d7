"""The sentences of reports, one TOML file a language; read by ``biolab.reports.language``."""
