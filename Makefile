# Everything sets itself up: the first `make run` or `make test` creates .venv and installs the packages into it.
# `make run PYTHON=/path/to/python` uses an interpreter that already has them, torch above all, and installs nothing.

CONSTRAINTS ?= constraints.txt

# What the project needs to run, and what its tests need.
REQUIREMENTS := -r requirements.txt -r requirements-dev.txt

ifdef PYTHON
PY    := $(PYTHON)
SETUP := check-python
LAB_SETUP := check-python-lab
TEST_SETUP := check-python-tests
SITE_PY := $(PYTHON)
else
PY    := .venv/bin/python
SETUP := .venv/installed
LAB_SETUP := .venv/installed
TEST_SETUP := .venv/installed
# The site has an environment of its own, because it needs Sphinx and does not need torch.
SITE_PY    := .venv-site/bin/python
SITE_SETUP := .venv-site/installed
endif

.PHONY: help setup run many test test-all bench lab edit app class notebooks lessons panel site lint format check-python clean

help:            ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(SETUP)  ## the packages alone, in .venv/

run: $(SETUP)    ## a first picture and its progress GIF, under outputs/
	$(PY) stylize.py --gif

many: $(SETUP)   ## a small grid of eight pictures on all cores, under outputs/many/
	$(PY) many.py --content china chelsea --style starry_night hokusai_great_wave \
	 --sweep style-weight=1e1,1e3 --size 192 -o outputs/many --resume

test: $(TEST_SETUP) ## every test, the notebooks included
	$(PY) -m pytest

test-all: $(TEST_SETUP) ## the slow tests too
	$(PY) -m pytest -m "slow or not slow"

bench: $(SETUP)  ## how long everything takes, as benchmarks/results.md; about ten minutes
	$(PY) -m benchmarks.bench

lab: $(LAB_SETUP) ## JupyterLab at the first lesson, in a copy of your own in work/
	$(PY) -m tools.open_lab

edit: $(LAB_SETUP) ## JupyterLab at the lessons themselves, to change them
	$(PY) -m tools.open_lab --originals

app: $(SETUP)    ## the studio as a page of its own, with Voila
	@$(PY) -c 'import voila' || { echo "the app needs Voila: $(PY) -m pip install voila"; exit 1; }
	$(PY) -m voila studio/app.ipynb

class: $(LAB_SETUP) ## a kit for teachers, under dist/class/: notebooks for both sides, and a plan
	$(PY) -m tools.make_class

notebooks: $(TEST_SETUP) ## run all notebooks from a clean kernel and save their outputs
	$(PY) -m tools.execute_notebooks

lessons: $(TEST_SETUP) ## README's table and the maps, from the lessons' title cells
	$(PY) -m tools.lessons

panel: $(TEST_SETUP) ## the picture of the panel in lesson 11; it needs JupyterLab, playwright and Chromium
	$(PY) -m tools.panel_picture

site: $(SITE_SETUP) ## the lessons as a web site, in build/site/html/
	$(SITE_PY) -m tools.build_site

lint: $(TEST_SETUP) ## ruff: rules and format, modules and notebooks
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

format: $(TEST_SETUP) ## ruff rewrites modules and notebooks
	$(PY) -m ruff format .

clean:           ## delete environments, outputs, the site and the class kit
	rm -rf .venv .venv-site outputs build dist/class

.venv/installed: requirements.txt requirements-dev.txt $(CONSTRAINTS)
	python3 -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; see README.md")'
	python3 -m venv .venv
	.venv/bin/python -m pip install --quiet $(REQUIREMENTS) $(if $(CONSTRAINTS),-c $(CONSTRAINTS))
	touch $@

.venv-site/installed: requirements-site.txt $(CONSTRAINTS)
	python3 -m venv .venv-site
	$(SITE_PY) -m pip install --quiet -r requirements-site.txt $(if $(CONSTRAINTS),-c $(CONSTRAINTS))
	touch $@

# What a Python of your own lacks for running, for JupyterLab and for the tests, with the command that installs it.
check-python:
	@$(PY) -m tools.packages --check

check-python-%:
	@$(PY) -m tools.packages --check $*
