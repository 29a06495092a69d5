# `make` lists the targets. `make demo` and `make test` each do everything on a fresh machine.
# For the CUDA build of torch: make install TORCH_INDEX=<url of an index that serves it>
PYTHON ?= python3
VENV ?= .venv
OUT ?= out
TORCH_INDEX ?=
# Number of test processes.
JOBS ?= 2
EXTRAS := test,facemesh,dds,display,paper,train,cluster,voices,export,check
BIN := $(VENV)/bin
ROBOT := $(VENV)/.robot
STAMP := $(VENV)/.installed
TOOLS := $(VENV)/tools/.installed
DOCS := $(VENV)/docs/.installed
comma := ,
INDEX := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
PYTEST := $(BIN)/python -m pytest -n $(JOBS)

.DEFAULT_GOAL := help
.PHONY: help demo test quick numpy2 check package resolve campaign audit sbom docs install clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(ROBOT) ## replay the sample recording through the shipped model: out/demo.mp4
	rm -rf $(OUT)/demo $(OUT)/demo.mp4
	mkdir -p $(OUT)
	@faces=; $(BIN)/reactface weights --download face_landmarker || { \
	  echo "The demo goes on with FaceMesh, which the package index has."; \
	  $(BIN)/python -m pip install -q -c constraints.txt -e '.[facemesh]' && \
	    faces="--set perception.landmarker=" || { \
	  echo "The demo goes on by voice only: there is no face model."; \
	    faces="--set perception.max_faces=0"; }; }; \
	voices=; $(BIN)/reactface weights --download voice_activity || { \
	  echo "The demo goes on by loudness: it takes loud noise for a voice."; \
	  voices="--set perception.voice_activity="; }; \
	kinds=; $(BIN)/reactface weights --download expression_classifier || { \
	  echo "The demo goes on by landmarks alone: it takes crying for a smile."; \
	  kinds="--set perception.expression_classifier="; }; \
	$(BIN)/reactface replay sample -o $(OUT)/demo --video $(OUT)/demo.mp4 $$faces $$voices $$kinds
	@echo "Look at $(OUT)/demo.mp4; the reactions are in the bag $(OUT)/demo."

test: install ## all tests, about 13 minutes on two cores
	$(PYTEST)

quick: install ## the tests that take under a minute together
	$(PYTEST) -m "not slow"

# mediapipe's FaceMesh needs numpy 1, so the other environment goes without it.
numpy2: ## the same with numpy 2, without mediapipe, in an environment of its own
	$(PYTHON) -m venv $(VENV)/numpy2
	grep -vE '^(numpy|opencv-contrib-python)==' constraints.txt > $(VENV)/numpy2/constraints.txt
	$(VENV)/numpy2/bin/python -m pip install -q $(INDEX) -c $(VENV)/numpy2/constraints.txt \
	  -e '.[$(subst facemesh$(comma),,$(EXTRAS))]' 'numpy>=2'
	$(VENV)/numpy2/bin/python -m pytest -n $(JOBS) -m "not slow"

check: install ## linters and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

package: $(TOOLS) ## build the wheel and the sdist: out/dist
	rm -rf $(OUT)/dist
	$(VENV)/tools/bin/python -m build -o $(OUT)/dist .

resolve: ## do the dependencies exist for arm64 and for other Pythons? Asks the package index
	.ci/resolve $(EXTRAS)

campaign: install ## all fault campaigns, about 80 minutes: tests/campaign/README.md
	$(BIN)/python tests/campaign/run.py all --out $(OUT)/campaign

audit: install $(TOOLS) ## known vulnerabilities of what is installed; asks api.osv.dev
	$(VENV)/tools/bin/pip-audit --vulnerability-service osv --skip-editable --progress-spinner off \
	  --path $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

sbom: install $(TOOLS) ## what is installed, in CycloneDX's format: out/sbom.json
	mkdir -p $(OUT)
	$(VENV)/tools/bin/cyclonedx-py environment --output-reproducible \
	  -o $(OUT)/sbom.json $(BIN)/python

# --strict fails on a broken link or another warning; with --quiet it would not.
docs: $(DOCS) ## the pages of docs/ as a site: out/site
	NO_MKDOCS_2_WARNING=1 $(VENV)/docs/bin/mkdocs build --strict --site-dir $(abspath $(OUT))/site
	@echo "Open $(OUT)/site/index.html."

$(DOCS): constraints.txt
	$(PYTHON) -m venv $(VENV)/docs
	$(VENV)/docs/bin/python -m pip install -q -c constraints.txt mkdocs-material
	touch $(DOCS)

# In a separate environment, so that they are not among the packages that they inspect.
$(TOOLS): $(STAMP)
	$(PYTHON) -m venv $(VENV)/tools
	$(VENV)/tools/bin/python -m pip install -q -c constraints.txt build pip-audit cyclonedx-bom
	touch $(TOOLS)

install: $(STAMP) ## the virtual environment .venv with everything

# What a robot needs: no torch, nothing for training.
$(ROBOT): constraints.txt setup.py package.xml
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v < (3, 13) else \
	  "the pinned wheels are for Python 3.11 and 3.12, this is %d.%d: make PYTHON=python3.11 ..." % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e .
	touch $(ROBOT)

$(STAMP): $(ROBOT)
	# torch first and alone: its version chooses the build, and no other package may replace it.
	$(BIN)/python -m pip install -q $(INDEX) -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[$(EXTRAS)]'
	touch $(STAMP)

clean: ## remove what was installed and built
	rm -rf $(VENV) $(OUT) build install log *.egg-info
