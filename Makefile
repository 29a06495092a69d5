# Two commands, each enough on a fresh machine: `make demo` and `make test`.
# For the CUDA build of torch: make demo TORCH_INDEX=<url of an index that serves it>
PYTHON ?= python3
VENV ?= .venv
OUT ?= out
TORCH_INDEX ?=
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TOOLS := $(VENV)/tools/.installed
DOCS := $(VENV)/docs/.installed
INDEX := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

.PHONY: demo test check campaign audit sbom install clean

demo: install
	rm -rf $(OUT)/demo $(OUT)/demo.mp4
	mkdir -p $(OUT)
	$(BIN)/reactface replay sample -o $(OUT)/demo --video $(OUT)/demo.mp4
	@echo "Look at $(OUT)/demo.mp4; the reactions are in the bag $(OUT)/demo."

test: install
	$(BIN)/python -m pytest

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# All fault campaigns, about 80 minutes: tests/campaign/README.md.
campaign: install
	$(BIN)/python tests/campaign/run.py all --out $(OUT)/campaign

# Known vulnerabilities of what is installed; asks api.osv.dev, and fails where it cannot.
audit: install $(TOOLS)
	$(VENV)/tools/bin/pip-audit --vulnerability-service osv --skip-editable --progress-spinner off \
	  --path $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

# What is installed, in CycloneDX's format.
sbom: install $(TOOLS)
	mkdir -p $(OUT)
	$(VENV)/tools/bin/cyclonedx-py environment --output-reproducible \
	  -o $(OUT)/sbom.json $(BIN)/python

# A broken link or another warning fails; with --quiet none would.
.PHONY: docs
docs: $(DOCS) ## build the pages of docs/ as a site: out/site
	NO_MKDOCS_2_WARNING=1 $(VENV)/docs/bin/mkdocs build --strict --site-dir $(abspath $(OUT))/site
	@echo "Open $(OUT)/site/index.html."

$(DOCS): constraints.txt
	$(PYTHON) -m venv $(VENV)/docs
	$(VENV)/docs/bin/python -m pip install -q -c constraints.txt mkdocs-material
	touch $(DOCS)

# Apart from what they look at.
$(TOOLS): $(STAMP)
	$(PYTHON) -m venv $(VENV)/tools
	$(VENV)/tools/bin/python -m pip install -q -c constraints.txt pip-audit cyclonedx-bom
	touch $(TOOLS)

install: $(STAMP)

$(STAMP): constraints.txt setup.py
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 13) else \
	  "the pinned wheels are for Python 3.11 and 3.12, this is %d.%d: make PYTHON=python3.11 ..." % v[:2])'
	$(PYTHON) -m venv $(VENV)
	# torch alone and first: its version decides which build is taken, and nothing may replace it.
	$(BIN)/python -m pip install -q $(INDEX) -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[test,dds,display,paper,train,onnx,export,check]'
	touch $(STAMP)

clean:
	rm -rf $(VENV) $(OUT) build install log *.egg-info
