"""settings.py: the words and default values, and the checks of arguments."""

import math
import tempfile
from pathlib import Path

import pytest

import helpers as nst
from style_transfer import files, settings
from style_transfer.features import LAYERS


def test_every_term_of_the_loss_has_a_weight_and_a_row():
    assert list(vars(nst.Weights())) == list(settings.TERMS)
    colors = {term.color for term in settings.TERMS.values()}
    assert len(colors) == len(settings.TERMS)
    for term in settings.TERMS.values():
        left, right = term.slider
        assert left < right, term.name
        assert term.description


def test_default_layers_exist():
    assert settings.CONTENT_LAYER in LAYERS
    assert set(settings.STYLE_LAYERS) <= set(LAYERS)
    # The paper names conv4_2 and works on rectified responses, as the authors' own notebook does.
    assert settings.CONTENT_LAYER == "relu4_2"


def test_the_projects_folders():
    assert (settings.ROOT / "helpers.py").is_file()
    assert nst.ASSETS.is_dir()
    assert nst.OUTPUTS.parent == settings.ROOT


def test_a_read_only_project_writes_to_the_temporary_folder(tmp_path, monkeypatch, capsys):
    assert settings.outputs_folder(tmp_path) == tmp_path / "outputs"
    monkeypatch.setattr(settings.os, "access", lambda path, mode: False)
    folder = settings.outputs_folder(tmp_path)
    assert folder.parent == Path(tempfile.gettempdir()) and folder.name != "outputs"
    monkeypatch.setattr(files, "OUTPUTS", tmp_path / "elsewhere")
    files.note.cache_clear()
    for name in ("a.png", "b.png"):
        files.prepare_output(tmp_path / "elsewhere" / name, (".png",))
    said = f"note: the project's own folder is read-only, so this file goes to {tmp_path}"
    assert capsys.readouterr().out.count(said) == 1
    files.prepare_output(tmp_path / "c.png", (".png",))
    assert capsys.readouterr().out == ""


def test_bad_weights_are_refused():
    with pytest.raises(ValueError, match="style weight is -1"):
        nst.Weights(style=-1)
    with pytest.raises(ValueError, match="tv weight is nan"):
        nst.Weights(tv=math.nan)
    with pytest.raises(ValueError, match="content weight is inf"):
        nst.Weights(content=math.inf)
    with pytest.raises(ValueError, match="content weight is '1'"):
        nst.Weights(content="1")


def test_check_word():
    settings.check_word("pooling", "max", settings.POOLINGS)
    with pytest.raises(ValueError, match="pooling is 'min'; it must be one of 'max', 'average'"):
        settings.check_word("pooling", "min", settings.POOLINGS)


@pytest.mark.parametrize("value", [0, -1, 1.0, "1", True, None])
def test_check_count(value):
    settings.check_count("every", 1)
    with pytest.raises(ValueError, match=f"every is {value!r}; it must be a whole number of 1"):
        settings.check_count("every", value)


@pytest.mark.parametrize("value", [-1, -1e-9, math.nan, math.inf, "1", True, None])
def test_check_weight(value):
    settings.check_weight("w", 0)
    settings.check_weight("w", 0.5)
    with pytest.raises(ValueError, match=f"w is {value!r}; it must be a number of 0 or more"):
        settings.check_weight("w", value)


def test_learning_rate():
    assert settings.learning_rate("adam", None) == 0.03
    assert settings.learning_rate("lbfgs", None) == 1.0
    assert settings.learning_rate("adam", 0.5) == 0.5
    with pytest.raises(ValueError, match="method is 'sgd'; it must be one of 'lbfgs', 'adam'"):
        settings.learning_rate("sgd", None)
    for lr in (0, -1, math.nan, math.inf):
        with pytest.raises(ValueError, match=f"lr is {lr}; .*for instance 0.03 for adam"):
            settings.learning_rate("adam", lr)
