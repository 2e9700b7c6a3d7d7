"""Runs, models and tables in MLflow: the only room that imports it, and only when first used."""

from .audit import StoredText as StoredText
from .audit import store_files as store_files
from .audit import store_texts as store_texts
from .conventions import Role as Role
from .conventions import experiment_name as experiment_name
from .conventions import registered_model_name as registered_model_name
from .conventions import run_tags as run_tags
from .models import load_released as load_released
from .models import log_model as log_model
from .runs import RecordedRun as RecordedRun
from .runs import mark_abandoned as mark_abandoned
from .runs import recorded_run as recorded_run
from .search import RunRecord as RunRecord
from .search import find_runs as find_runs
from .search import read_table as read_table
from .search import read_text as read_text
from .search import runs_frame as runs_frame
from .store import Store as Store
from .store import embedded_store as embedded_store
from .store import open_store as open_store
from .ui import experiment_page as experiment_page
from .ui import serve_ui as serve_ui
from .ui import ui_command as ui_command
