# The developer's manual: `make` prints it.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; \
	do $$p -c '' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
OUT ?= out/demo
VARIANT ?= cpu
IMAGE ?= beam-kie:$(VARIANT)
# The scans, without the labels beside them.
SCANS := $(filter-out %.txt %.md,$(wildcard samples/*))
# One thread a process: tests and workers share the cores among processes.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
PYTEST_WORKERS ?= 2
COVERAGE ?=
# A test that takes longer hangs: its process writes where every thread is, and ends; the other tests go on.
HANGS_AFTER_S ?= 600
NO_HANGS := -o faulthandler_timeout=$(HANGS_AFTER_S) -o faulthandler_exit_on_timeout=true
MINUTES ?= 60
# The requirements of pyproject.toml: those of the job, then those of the extras named as arguments.
REQUIREMENTS := import sys, tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	print(*p["dependencies"], *(r for e in sys.argv[1:] for r in p["optional-dependencies"][e]), sep="\n")

# Of a package index of the user's, PyTorch and nothing else; what it needs comes with the other packages.
TORCH_INDEX ?=
TORCH_FIRST = $(BIN)/python -m pip install --quiet --no-deps --index-url $(TORCH_INDEX) torch -c constraints.txt
# The extra paddle brings a second package that writes the folder cv2: the one that the job is tested with wins.
ONE_OPENCV = $(BIN)/python -m pip install --quiet --force-reinstall --no-deps opencv-python-headless -c constraints.txt

# Stops before anything is installed where pyproject.toml does not name the Python; runs on old ones, too.
CHECK_PYTHON := import re, sys; \
	found = re.search(r"requires-python = .>=3[.](\d+),<3[.](\d+)", open("pyproject.toml").read()); \
	low, end = int(found.group(1)), int(found.group(2)); \
	here = tuple(sys.version_info)[:2]; \
	sys.exit(None if (3, low) <= here < (3, end) else "beam-kie needs Python 3.%d to 3.%d, and this is %d.%d (%s): \
	name another one, for example make PYTHON=python3.%d" % (low, end - 1, here[0], here[1], sys.executable, low))

.DEFAULT_GOAL := help
.PHONY: help demo test schedules fuzz lint format docs api samples bench image lock clean

help:  ## Print this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

demo: .venv/made-for-job  ## Run the job on samples/ and show the pairs that it found (OUT=out/demo)
	$(BIN)/python run_pipeline.py --input $(SCANS) --output $(OUT) --run_id demo --overwrite
	@$(BIN)/python -m transforms.show $(OUT) --run_id demo

test: .venv/made-for-tests lint  ## All checks and tests (COVERAGE=--cov also measures what of the code they ran)
	$(ONE_THREAD) $(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal $(NO_HANGS) $(COVERAGE)

schedules: .venv/made-for-tests  ## Check the schedules with Airflow and Kubernetes' schemas (2 GB, in build/schedules)
	$(PYTHON) -m venv build/schedules
	build/schedules/bin/python -m pip install --quiet "apache-airflow>=3,<4" \
		apache-airflow-providers-google apache-airflow-providers-apache-beam "kubernetes-validate>=1.31"
	BEAM_KIE_SCHEDULES_PYTHON=$(CURDIR)/build/schedules/bin/python $(BIN)/python -m pytest -q tests/test_cluster_schedules.py

fuzz: .venv/made-for-tests  ## Parsers on hostile bytes, new ones in every round (MINUTES=60); stops at a finding
	$(ONE_THREAD) nice $(BIN)/python -m tests.fuzz $(MINUTES) $(PYTEST_WORKERS)

lint: .venv/made-for-tests  ## Style, types, and that dependencies point one way
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/basedpyright

format: .venv/made-for-tests  ## Format the code as lint requires
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/made-for-job  ## Generate docs/options.md and deploy/flex_template.json from the flags
	$(BIN)/python docs/render_options.py
	$(BIN)/python deploy/render_flex_template.py

api: .venv/made-for-tests  ## Generate API pages from the docstrings in build/api
	$(BIN)/python docs/render_api.py build/api

samples: .venv/made-for-job  ## Generate the scans in samples/ again
	$(BIN)/python -m beam_kie.forms --samples samples

bench: .venv/made-for-tests  ## Measure the job on samples/ (SCANS=FILES), the bundled model, LayoutXLM-base at its full size
	$(BIN)/python benchmarks/throughput.py --input $(SCANS) --rows one threads processes gcs paddle stages
	$(BIN)/python benchmarks/model.py
	$(BIN)/python benchmarks/layoutxlm.py

image:  ## Build the image for Dataflow (VARIANT=cpu or cuda, IMAGE=beam-kie:cpu)
	docker build --build-arg VARIANT=$(VARIANT) --target dataflow --tag $(IMAGE) .

lock: ## Write constraints.txt anew from the bounds in pyproject.toml
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -c '$(REQUIREMENTS)' delta dev export gpu-ocr heif onnx paddle report s3 teachers train > build/lock/requirements.txt
	build/lock/bin/pip install --quiet -r build/lock/requirements.txt
	sed -n 's/==.*;.*/==/p' constraints.txt | sort -u | sed 's/^/^/' > build/lock/by_python
	{ grep '^#' constraints.txt; { grep ';' constraints.txt; build/lock/bin/pip freeze | sed 's/+cpu$$//' \
		| grep -v -f build/lock/by_python; } | sort --ignore-case --stable --field-separator='=' --key=1,1; \
		} > build/lock/constraints.txt
	mv build/lock/constraints.txt constraints.txt

clean:  ## Remove the environment, outputs and caches
	rm -rf .venv out build dist *.egg-info .pytest_cache .ruff_cache .import_linter_cache .coverage*

.venv/made-for-job: pyproject.toml constraints.txt
	@$(or $(PYTHON),$(error beam-kie needs Python, and there is none: PYTHON=...)) -c '$(CHECK_PYTHON)'
	$(PYTHON) -m venv .venv
	$(if $(TORCH_INDEX),$(TORCH_FIRST))
	$(BIN)/python -c '$(REQUIREMENTS)' > .venv/requirements.txt
	$(BIN)/python -m pip install --quiet -r .venv/requirements.txt -c constraints.txt
	@touch $@

.venv/made-for-tests: .venv/made-for-job
	$(BIN)/python -c '$(REQUIREMENTS)' delta dev export gpu-ocr heif onnx paddle report s3 teachers train > .venv/requirements.txt
	$(BIN)/python -m pip install --quiet -r .venv/requirements.txt -c constraints.txt
	$(ONE_OPENCV)
	@touch $@
