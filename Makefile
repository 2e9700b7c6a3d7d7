# make demo: the main job · make test: the tests, unless they passed on these very files · make check: the slow ones · make lab: JupyterLab · TORCH=cpu|cuda chooses the build
PYTHON ?= python3
BIN := .venv/bin
unexport PYTHONDONTWRITEBYTECODE
# A machine that offers pip a folder of wheels (a local CPU build of torch, say) offers it to uv too.
FOUND = $(shell $(PYTHON) -m pip config get global.find-links 2>/dev/null)
INSTALL = $(if $(FOUND),UV_FIND_LINKS="$(FOUND)") $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt \
	$(if $(TORCH),--torch-backend $(TORCH:cuda=auto))
FILES := $(shell find .ci benchmarks docs experiments notebooks pipelines src tests *.* -type f ! -path '*/__pycache__/*')
.PHONY: demo test check lab
demo: .venv/demo
	$(BIN)/biolab run experiments/breast-prognosis

test: .venv/passed
.venv/passed: .venv/test $(FILES)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/ty check --python .venv
	$(BIN)/lint-imports
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
	touch $@
check: .venv/check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m slow
lab: .venv/lab
	$(BIN)/biolab lab

.venv/demo: .venv/uv pyproject.toml constraints.txt
	$(INSTALL) -e .
	touch $@
.venv/test .venv/lab: .venv/uv pyproject.toml constraints.txt
	$(INSTALL) -e '.[lab]' --group dev
	touch .venv/test .venv/lab .venv/demo
.venv/check: .venv/test
	$(INSTALL) -e '.[lab,course,genomics,pipelines,gpu]' --group dev
	touch $@
.venv/uv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "biolab needs Python 3.11 to 3.13; this is $$($(PYTHON) --version). Set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	touch $@
