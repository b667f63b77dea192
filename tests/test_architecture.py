"""How the project is built: imports run one way, each fact has one place, functions are short.

Every rule is a function from a parsed file to the lines that it finds. The tests at the end give
each rule a line of code that breaks it, so a rule that finds nothing is noticed."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from style_transfer.settings import LEARNING_RATES, STYLE_LAYERS, TERMS

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("style_transfer", "batch", "studio", "exercises", "tools", "benchmarks", "site", "tests")
SOURCES = sorted(
    [*ROOT.glob("*.py"), *(path for folder in FOLDERS for path in ROOT.glob(f"{folder}/**/*.py"))]
)
TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"), str(path))
    for path in SOURCES
}
# Tests repeat facts on purpose, to compare.
MODULES = {name: tree for name, tree in TREES.items() if not name.startswith("tests/")}


def test_every_python_file_is_in_a_known_folder():
    ignored = {"outputs", "work", "build", "dist"}  # and folders whose name starts with a dot
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).parts
        if parts[0] not in ignored and not any(part.startswith(".") for part in parts):
            assert path in SOURCES, f"{path.relative_to(ROOT)}: add its folder to FOLDERS"


# ------------------------------------------------------------------------------ imports

# Each file may import from the floors above its own line. Files of one folder may import each
# other, as long as there is no circle; folders on one floor do not import each other.
FLOORS = [
    ["style_transfer"],  # the docstring of the package
    ["style_transfer.settings"],
    ["style_transfer.terminal"],
    ["style_transfer.files"],
    ["style_transfer.labels"],
    ["style_transfer.gif"],
    ["style_transfer.display"],
    ["style_transfer.flags"],
    ["style_transfer.images"],
    ["style_transfer.masks"],
    ["style_transfer.paintings"],
    ["style_transfer.features"],
    ["style_transfer.fast_gram"],
    ["style_transfer.losses"],
    ["style_transfer.one_pass"],
    ["style_transfer.steps"],
    ["style_transfer.frames"],
    ["style_transfer.forecast"],
    ["style_transfer.inputs", "style_transfer.results"],
    ["helpers"],
    ["batch"],
    ["studio", "exercises", "stylize", "many", "benchmarks", "site"],
    ["tools"],  # what serves the project itself; the grader runs the checks of the exercises
]
FLOOR_OF = {part: floor for floor, parts in enumerate(FLOORS) for part in parts}
PROJECT = {part.split(".")[0] for part in FLOOR_OF}


def module_name(name):
    """The module of a file: studio/panel.py is studio.panel, studio/__init__.py is studio."""
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def part_of(module):
    """The entry of FLOORS to which a module belongs: a file of style_transfer, or a folder."""
    return module if module.startswith("style_transfer") else module.split(".")[0]


def imports(name, tree, modules):
    """The project's modules that a file imports anywhere, in functions too."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno}: write imports from the project's root"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in modules else node.module)
    return {module for module in found if module.split(".")[0] in PROJECT | {"tests"}}


def import_graph(trees):
    modules = {module_name(name) for name in trees}
    return {module_name(name): imports(name, tree, modules) for name, tree in trees.items()}


def arrows_up(graph):
    """The imports that do not go down, as text."""
    found = []
    for module, targets in graph.items():
        for target in targets:
            here = part_of(module)
            there = part_of(target)
            down = FLOOR_OF.get(there, len(FLOORS)) < FLOOR_OF.get(here, -1)
            if here != there and not down:
                found.append(f"{module} imports {target}")
    return found


def circle(graph):
    """A list of modules in which each imports the next and the last is the first, or None."""
    finished = set()

    def visit(module, way):
        if module in way:
            return [*way[way.index(module) :], module]
        if module in finished:
            return None
        for target in sorted(graph.get(module, ())):
            found = visit(target, [*way, module])
            if found:
                return found
        finished.add(module)
        return None

    for module in sorted(graph):
        found = visit(module, [])
        if found:
            return found
    return None


def test_every_module_has_a_floor():
    for module in import_graph(MODULES):
        assert part_of(module) in FLOOR_OF, f"{module}: give it a floor in FLOORS"


def test_no_import_goes_up():
    assert not arrows_up(import_graph(MODULES))


def test_no_imports_in_a_circle():
    assert circle(import_graph(MODULES)) is None


def test_the_graph_is_the_projects():
    graph = import_graph(MODULES)
    assert "style_transfer.fast_gram" in graph["style_transfer.losses"]
    assert "style_transfer.steps" in graph["helpers"]
    assert "helpers" in graph["studio.engine"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("style_transfer/images.py", "from style_transfer.losses import gram_matrix"),
        ("style_transfer/images.py", "def later():\n    from style_transfer import steps"),
        ("style_transfer/settings.py", "import style_transfer.files"),
        ("style_transfer/frames.py", "import helpers as nst"),
        ("style_transfer/frames.py", "from studio import Studio"),
        ("style_transfer/files.py", "from tools.lessons import lessons"),
        ("style_transfer/files.py", "from tests.conftest import narrow_state"),
        ("helpers.py", "from exercises import checks_03"),
        ("studio/engine.py", "import stylize"),
        ("batch/engine.py", "import many"),
        ("stylize.py", "from studio.settings import Settings"),
    ],
)
def test_an_import_that_goes_up_is_found(name, line):
    graph = import_graph(MODULES | {name: ast.parse(line)})
    module = module_name(name)
    assert len(arrows_up({module: graph[module]})) == 1


def test_a_circle_is_found():
    assert circle({"a": {"b"}, "b": {"c", "d"}, "c": {"d"}, "d": set()}) is None
    assert circle({"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"b"}}) == ["b", "d", "b"]
    assert circle({"a": {"a"}}) == ["a", "a"]


def packages(tree):
    """The packages that a file imports anywhere, by the first part of their names."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.split(".")[0])
    return found


def test_dask_is_imported_in_the_engine_of_many_pictures_alone():
    found = [name for name, tree in TREES.items() if {"dask", "distributed"} & packages(tree)]
    assert found == ["batch/engine.py"]
    assert packages(ast.parse("def f():\n    from dask.base import a")) == {"dask"}


# ------------------------------------------------------------------------------ side effects

# Run in a process of its own. What Matplotlib and IPython change themselves comes before STATE.
IMPORT_HELPERS = """
import json, sys, warnings
import matplotlib, matplotlib.pyplot, torch
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()

def state():
    formatters = {}
    for name, formatter in shell.display_formatter.formatters.items():
        printers = [*formatter.type_printers, *formatter.deferred_printers]
        formatters[name] = [formatter.enabled, sorted(map(str, printers))]
    return {
        "rcParams": {name: repr(value) for name, value in dict.items(matplotlib.rcParams)},
        "interactive": matplotlib.is_interactive(),
        "figures": matplotlib.pyplot.get_fignums(),
        "formatters": formatters,
        "active types": shell.display_formatter.active_types,
        "events": {name: list(map(repr, calls)) for name, calls in shell.events.callbacks.items()},
        "display hook": repr(sys.displayhook),
        "exception hook": repr(sys.excepthook),
        "path": sys.path,
        "seed": torch.initial_seed(),
        "random numbers": torch.get_rng_state().tolist(),
        "gradients": torch.is_grad_enabled(),
        "number type": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
    }

before = state()
{statement}
after = state()
print(json.dumps([name for name in before if before[name] != after[name]]))
"""


def changes_after(statement):
    """The entries of the state of a fresh process that a statement changes."""
    program = IMPORT_HELPERS.replace("{statement}", statement)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_importing_helpers_changes_nothing():
    assert changes_after("import helpers") == []


def test_a_change_would_be_noticed():
    statement = (
        "matplotlib.rcParams['savefig.format'] = 'jpeg'; torch.manual_seed(0); "
        "shell.display_formatter.formatters['image/jpeg'].for_type(int, str)"
    )
    assert changes_after(statement) == ["rcParams", "formatters", "seed", "random numbers"]


def test_settings_flags_and_jobs_import_nothing_heavy():
    program = (
        "import sys; import style_transfer.settings, style_transfer.flags, batch.jobs; "
        "heavy = ('torch', 'numpy', 'PIL', 'matplotlib', 'dask'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# ------------------------------------------------------------------------------ facts


def is_number(node):
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def numbers(value):
    """A rule that finds a number wherever it is written."""

    def find(tree):
        for node in ast.walk(tree):
            if is_number(node) and node.value == value:
                yield node

    return find


def elements(node):
    """The constants that a literal collection holds; for a dict its keys."""
    if isinstance(node, ast.Dict):
        found = node.keys
    elif isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        found = node.elts
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        return [keyword.arg for keyword in node.keywords]
    else:
        return []
    return [item.value for item in found if isinstance(item, ast.Constant)]


def collections_of(*words):
    """A rule that finds literal collections with all of these words among their elements."""

    def find(tree):
        for node in ast.walk(tree):
            if set(words) <= set(elements(node)):
                yield node

    return find


def beginning_with(*values):
    """A rule that finds literal lists and tuples that begin with these values."""

    def find(tree):
        for node in ast.walk(tree):
            if tuple(elements(node)[: len(values)]) == values:
                yield node

    return find


def layer_lists(tree):
    """Literal lists of VGG-19's layers: two convolutions or poolings, or their indices."""
    indices = ({0, 2, 5, 7, 10}, {4, 9, 18, 27}, {1, 3, 6, 8, 11})
    for node in ast.walk(tree):
        found = elements(node)
        names = [str(item) for item in found if re.fullmatch(r"(conv|pool)\d(_\d)?", str(item))]
        if len(names) >= 2 or any(some <= set(found) for some in indices):
            yield node


def named_defaults(node):
    """Pairs of a name and its default value: parameters, fields of a class, a program's flags."""
    if isinstance(node, ast.arguments):
        positional = [argument.arg for argument in [*node.posonlyargs, *node.args]]
        with_default = positional[len(positional) - len(node.defaults) :]
        yield from zip(with_default, node.defaults, strict=True)
        by_keyword = [argument.arg for argument in node.kwonlyargs]
        yield from zip(by_keyword, node.kw_defaults, strict=True)  # None if there is no default
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id, node.value
    elif isinstance(node, ast.Call):
        flags = [str(item.value) for item in node.args if isinstance(item, ast.Constant)]
        values = [keyword.value for keyword in node.keywords if keyword.arg == "default"]
        yield from (
            (flag.lstrip("-").replace("-", "_"), value) for flag in flags for value in values
        )


def start_words(tree):
    """The word "recolored", except as a default value and in `first_image`, which makes it."""
    allowed = set()
    for node in ast.walk(tree):
        allowed |= {id(value) for _, value in named_defaults(node)}
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name == "first_image":
            allowed |= {id(node) for node in ast.walk(function)}
    for node in ast.walk(tree):
        word = isinstance(node, ast.Constant) and node.value == "recolored"
        if word and id(node) not in allowed:
            yield node


def learning_rates(tree):
    """Default values that repeat a learning rate from settings.py."""
    for node in ast.walk(tree):
        for name, value in named_defaults(node):
            known = is_number(value) and value.value in LEARNING_RATES.values()
            if name in ("lr", "learning_rate") and known:
                yield value


def weighing(tree):
    """Products of a term of the loss and its weight: `style_weight * style` in any spelling."""
    weights = [f"{term}_{ending}" for term in TERMS for ending in ("weight", "w")]

    def factor(node):
        if isinstance(node, ast.Name):
            return node.id in (*weights, "weight", "alpha", "beta")
        if isinstance(node, ast.Attribute):
            return node.attr in (*TERMS, *weights)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            return node.slice.value in TERMS
        return False

    def term(node):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            return node.slice.value in TERMS
        if isinstance(node, ast.Call):
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else function
            name = name.id if isinstance(name, ast.Name) else name
            return name in ("content_loss", "style_loss", "tv_loss")
        names = (*TERMS, "distance", "term", "loss", "value")
        return isinstance(node, ast.Name) and node.id in names

    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            pairs = ((node.left, node.right), (node.right, node.left))
            if any(factor(one) and term(other) for one, other in pairs):
                yield node


def jpeg_encoders(tree):
    """Calls that write a JPEG: `save` with that format, or with a quality in numbers."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr not in ("save", "savefig", "imwrite", "imsave"):
                continue
            named = {keyword.arg: keyword.value for keyword in node.keywords}
            arguments = [*node.args, *named.values()]
            words = [str(item.value) for item in arguments if isinstance(item, ast.Constant)]
            jpeg = any(word.upper() in ("JPEG", "JPG", ".JPG", ".JPEG") for word in words)
            if jpeg or isinstance(named.get("quality"), ast.Constant):
                yield node


def divisions_by_255(tree):
    """Bytes that become numbers from 0 to 1, in any spelling."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            divisors = [] if is_number(node.left) else [node.right]  # 1 / 255 is a gray level
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div):
            divisors = [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            divisors = node.args if node.func.attr in ("div", "div_", "true_divide") else []
            if node.func.attr in ("ToTensor", "to_tensor", "pil_to_tensor"):
                yield node
        else:
            continue
        if any(is_number(divisor) and divisor.value == 255 for divisor in divisors):
            yield node


def path_patches(tree):
    """Uses of sys.path."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path":
            yield node
        elif isinstance(node, ast.ImportFrom) and node.module == "sys":
            yield from (alias for alias in node.names if alias.name == "path")


# For each fact, a rule, and the files in which the rule finds it, one entry per place.
SETTINGS = "style_transfer/settings.py"
FEATURES = "style_transfer/features.py"
IMAGES = "style_transfer/images.py"
LOSSES = "style_transfer/losses.py"
DISPLAY = "style_transfer/display.py"
FACTS = {
    "the mean of ImageNet's red": (numbers(0.485), [FEATURES]),
    "the mean of ImageNet's green": (numbers(0.456), [FEATURES]),
    "the mean of ImageNet's blue": (numbers(0.406), [FEATURES]),
    "the standard deviation of ImageNet's red": (numbers(0.229), [FEATURES]),
    "the standard deviation of ImageNet's green": (numbers(0.224), [FEATURES]),
    "the numbers of convolutions": (beginning_with(2, 2, 4, 4), [FEATURES]),
    "the widths of the layers": (beginning_with(64, 128, 256, 512), [FEATURES]),
    "lists of layers": (layer_lists, []),
    "the style layers": (collections_of(*STYLE_LAYERS), [SETTINGS]),
    "the learning rate of Adam": (numbers(0.03), [SETTINGS]),
    "other default learning rates": (learning_rates, []),
    "the optimizers": (collections_of("adam", "lbfgs"), [SETTINGS]),
    "the starts": (collections_of("recolored", "noise"), [SETTINGS]),
    "the word recolored": (start_words, [SETTINGS]),
    "the poolings": (collections_of("max", "average"), [SETTINGS]),
    "the paddings": (collections_of("zeros", "replicate"), [SETTINGS]),
    "the networks": (collections_of("pocket", "imagenet"), [SETTINGS]),
    "terms times their weights": (weighing, [LOSSES]),
    "the JPEG encoder": (jpeg_encoders, [DISPLAY]),
    "the quality of a JPEG": (numbers(92), [DISPLAY]),
    "from bytes to numbers": (divisions_by_255, [IMAGES]),
    "changes of sys.path": (path_patches, []),
}


def places(rule, trees):
    """The places at which a rule finds something, as "file:line"."""
    return [f"{name}:{node.lineno}" for name, tree in trees.items() for node in rule(tree)]


@pytest.mark.parametrize("fact", FACTS)
def test_each_fact_is_written_once(fact):
    rule, expected = FACTS[fact]
    # Exercises repeat on purpose what they ask for, in right answers and in wrong ones.
    trees = {name: tree for name, tree in MODULES.items() if not name.startswith("exercises/")}
    found = places(rule, trees)
    assert [place.split(":")[0] for place in found] == expected, f"{fact}: {found}"


def test_the_terms_are_multiplied_in_weigh():
    functions = [node for node in ast.walk(MODULES[LOSSES]) if isinstance(node, ast.FunctionDef)]
    assert [node.name for node in functions if list(weighing(node))] == ["weigh"]


def calls_of_losses(tree):
    """Calls of a single loss: as an attribute, `nst.tv_loss`, or as an imported name."""
    losses = ("content_loss", "style_loss", "tv_loss")
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            imported |= {alias.asname or alias.name for alias in node.names if alias.name in losses}
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        by_attribute = isinstance(called, ast.Attribute) and called.attr in losses
        by_name = isinstance(called, ast.Name) and called.id in imported
        if by_attribute or by_name:
            yield node


def test_single_losses_are_called_in_losses_and_in_exercises():
    trees = {name: tree for name, tree in MODULES.items() if not name.startswith("exercises/")}
    del trees[LOSSES]
    assert not places(calls_of_losses, trees)
    for line in (
        "import helpers as nst\nnst.content_loss(a, b)",
        "from helpers import tv_loss as smooth\nsmooth(image)",
    ):
        assert len(places(calls_of_losses, {"studio/second.py": ast.parse(line)})) == 1


@pytest.mark.parametrize(
    ("fact", "line"),
    [
        ("the mean of ImageNet's red", "MEAN = [0.485, 0.4, 0.4]"),
        ("the standard deviation of ImageNet's red", "x = (x - mean) / 0.229"),
        ("the numbers of convolutions", "BLOCKS = [2, 2, 4, 4, 4]"),
        ("the widths of the layers", "for width in (64, 128, 256, 512): pass"),
        ("lists of layers", 'LAYERS = ["conv1_1", "relu1_1", "conv1_2"]'),
        ("lists of layers", 'TABLE = {"conv1_1": 0, "conv2_1": 5}'),
        ("lists of layers", "INDICES = (0, 2, 5, 7, 10, 12)"),
        ("lists of layers", "for pool in [4, 9, 18, 27]: pass"),
        ("the style layers", f"layers = {list(STYLE_LAYERS)}"),
        ("the style layers", f"layers = {dict.fromkeys(STYLE_LAYERS, 0.2)}"),
        ("the learning rate of Adam", "def f(image, lr=0.03): pass"),
        ("other default learning rates", "def f(image, *, lr=1.0): pass"),
        ("other default learning rates", "def f(image, lr: float = 0.03, every=10): pass"),
        ("other default learning rates", "class Settings:\n    lr: float = 1.0"),
        ("other default learning rates", 'parser.add_argument("--lr", type=float, default=1.0)'),
        ("the optimizers", 'METHODS = ("adam", "lbfgs")'),
        ("the optimizers", 'run = {"adam": _adam, "lbfgs": _lbfgs}[method]'),
        ("the starts", 'STARTS = ["noise", "content", "recolored"]'),
        ("the starts", "starts = dict(recolored=1, noise=2)"),
        ("the word recolored", 'if start == "recolored": pass'),
        ("the poolings", 'choices = ["max", "average"]'),
        ("the paddings", 'choices = {"zeros", "replicate", "reflect"}'),
        ("the networks", 'NETWORKS = ["imagenet", "pocket"]'),
        ("terms times their weights", "loss = style_weight * style + content"),
        ("terms times their weights", 'loss = measured["style"] * weights.style'),
        ("terms times their weights", 'loss = settings["tv"] * tv_loss(image)'),
        ("terms times their weights", "terms[name] = weight * value"),
        ("terms times their weights", "loss = alpha * nst.content_loss(a, b)"),
        ("the JPEG encoder", 'picture.save(data, "JPEG")'),
        ("the JPEG encoder", 'picture.save(data, format="jpeg", quality=QUALITY)'),
        ("the JPEG encoder", "picture.save(path, quality=85)"),
        ("the quality of a JPEG", "QUALITY = 92"),
        ("from bytes to numbers", "image = pixels.float() / 255"),
        ("from bytes to numbers", "pixels /= 255.0"),
        ("from bytes to numbers", "image = pixels.div(255)"),
        ("from bytes to numbers", "image = transforms.ToTensor()(picture)"),
        ("changes of sys.path", "sys.path.insert(0, root)"),
        ("changes of sys.path", "from sys import path"),
    ],
)
def test_a_second_place_is_found(fact, line):
    rule, _ = FACTS[fact]
    assert len(places(rule, {"studio/second.py": ast.parse(line)})) == 1


def test_what_is_meant_to_be_allowed_is_allowed():
    allowed = ast.parse(
        'def stylize(photo, *, start="recolored", lr=None): pass\n'
        'class Settings:\n    start: str = "recolored"\n'
        'add("--start", choices=tuple(STARTS), default="recolored")\n'
        'def first_image(start):\n    return start == "recolored"\n'
        'print("the start is recolored by default, and 0.03 is Adam\'s learning rate")\n'
        "total = shares[layer] * measured[layer]\n"
        "picture.save(path)\npicture.save(part, quality=JPEG_QUALITY)\nimage = image * 255\n"
    )
    for fact, (rule, _) in FACTS.items():
        assert not list(rule(allowed)), fact


# ------------------------------------------------------------------------------ sizes


def test_no_line_is_over_100_columns():
    long = []
    for path in SOURCES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if len(line) > 100:
                long.append(f"{path.relative_to(ROOT)}:{number} has {len(line)} columns")
    assert not long, "\n".join(long)


def test_no_function_is_over_40_lines():
    """Lines that hold only a comment do not count, because comments are welcome."""
    long = []
    for name, tree in MODULES.items():
        if not name.startswith(("style_transfer/", "studio/", "batch/")):
            continue
        text = (ROOT / name).read_text(encoding="utf-8").splitlines()
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = text[node.lineno - 1 : node.end_lineno]
                count = sum(not line.lstrip().startswith("#") for line in lines)
                if count > 40:
                    long.append(f"{name}:{node.lineno} {node.name} has {count} lines")
    assert not long, "\n".join(long)
