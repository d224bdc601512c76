# make install | demo | studio | test | test-slow | lint | types | help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo studio test test-slow lint types clean browser

help:
	@echo "make install    .venv with everything that is needed"
	@echo "make demo       train on moving digits, generate, measure: runs/demo/report.html"
	@echo "make studio     the same and more in the browser: train, watch, make videos"
	@echo "make test       the test suite (make test-slow: the rest, minutes of CPU)"
	@echo "make lint       ruff;  make types: pyright"

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)

demo: install
	$(BIN)/mutoscope train demo --out runs/demo
	test runs/demo/report.html -nt runs/demo/model/weights.safetensors || $(BIN)/mutoscope evaluate runs/demo
	@echo "open runs/demo/report.html"

studio: install
	$(BIN)/mutoscope studio

# Tests of the studio drive a real browser; where it cannot be installed they are skipped and say so.
browser:
	@command -v chromium >/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null || \
		echo "Chromium could not be installed: tests of the studio in a browser are skipped"; \
	else echo "no Chromium, and no rights to install it: tests of the studio in a browser are skipped"; fi

# One thread per worker: two OpenMP pools on two cores spend their time waiting for each other.
test: install browser
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m "not slow"

test-slow: install browser
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -m slow

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/pyright

clean:
	rm -rf $(VENV) build dist src/*.egg-info
