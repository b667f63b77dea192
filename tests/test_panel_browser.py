"""The studio's panel on the screens that people have, in JupyterLab with a headless Chromium."""

import time

import pytest
import torch

import helpers as nst
from tests.conftest import PANEL, PANEL_CELLS, needs_a_browser
from tools import browser

pytest.importorskip("playwright", reason="the browser test needs the package playwright")
pytest.importorskip("jupyterlab", reason="the browser test needs the package jupyterlab")
pytestmark = needs_a_browser

NOTEBOOK = "notebooks/panel.ipynb"
SHAPES = {"landscape": (40, 60), "portrait": (60, 40), "square": (50, 50)}
SCREENS = [(1280, 800), (1440, 900)]
BOXES = """panel => {
    panel.scrollIntoView({block: 'start'});
    const box = element => { const {x, y, width, height} = element.getBoundingClientRect();
                             return [x, y, width, height]; };
    const all = selector => [...panel.querySelectorAll(selector)];
    const named = text => all('.widget-slider').find(row => row.innerText.startsWith(text));
    return {
        panel: box(panel),
        view: box(panel.closest('.jp-WindowedPanel-outer')),
        picture: box(panel.querySelector('img')),
        style: box(named('style weight')),
        tracks: all('.noUi-base').map(box).filter(track => track[2]),
        buttons: all('button').filter(button => button.offsetParent).map(box),
        overflow: panel.scrollWidth - panel.clientWidth,
    };
}"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    root = browser.copy_project(tmp_path_factory.mktemp("panel") / "project")
    for name, shape in SHAPES.items():
        nst.save_image(torch.rand(1, 3, *shape), root / f"{name}.png")
    browser.notebook_of(root / NOTEBOOK, *PANEL_CELLS)
    return root


@pytest.fixture(scope="module")
def page(project):
    folder = project.parent
    with browser.lab_serving(project, folder) as address, browser.window(folder) as context:
        page = context.pages[0]
        browser.open_in_lab(page, address, NOTEBOOK)
        browser.run_all(page)
        page.locator(f"{PANEL} img").wait_for()
        yield page
        browser.shut_down(page)


def paint(page, photo):
    """Paints a photograph to the end, and waits until the page shows it."""
    before = page.locator(f"{PANEL} img").get_attribute("src")
    browser.ask(page, "studio.wait()", f"studio.set(photo={str(photo)!r}); studio.start()")
    page.wait_for_function(
        """([selector, before]) => {
            const image = document.querySelector(selector);
            return image.alt.startsWith('the picture after 3') && image.src !== before;
        }""",
        arg=[f"{PANEL} img", before],
    )


def is_inside(box, view):
    x, y, width, height = box
    left, top, wide, high = view
    return (
        left <= x and x + width <= left + wide + 0.5 and top <= y and y + height <= top + high + 0.5
    )


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: f"{screen[0]}x{screen[1]}")
def test_picture_sliders_and_buttons_are_in_view_together(page, project, screen):
    page.set_viewport_size({"width": screen[0], "height": screen[1]})
    pictures = set()
    for shape in SHAPES:
        paint(page, project / f"{shape}.png")
        boxes = page.locator(PANEL).evaluate(BOXES)
        page.screenshot(path=project.parent / f"{shape}_{screen[0]}.png")
        assert boxes["panel"][2] >= 848 and boxes["panel"][3] <= 710, shape
        assert is_inside(boxes["picture"], boxes["view"]), shape
        assert is_inside(boxes["style"], boxes["view"]), shape
        assert len(boxes["buttons"]) >= 8
        for button in boxes["buttons"]:
            assert is_inside(button, boxes["view"]), shape
        assert len(boxes["tracks"]) == 13
        assert min(width for _, _, width, _ in boxes["tracks"]) >= 200
        assert boxes["overflow"] <= 0
        pictures.add(tuple(boxes["picture"][2:]))
    assert len(pictures) == 1, "the picture's box has one size for every photograph"


# The name of each control that is shown, as a screen reader finds it, with its role.
NAMES = """panel => {
    const controls = 'button, select, input:not([type=file]), [role=slider]';
    const named = control => {
        const label = control.labels?.[0]?.textContent;
        const name = control.getAttribute('aria-label') || label || control.textContent;
        return [control.getAttribute('role') || control.type || control.tagName, name.trim()];
    };
    return [...panel.querySelectorAll(controls)].filter(one => one.offsetParent).map(named);
}"""
FOCUSED = """panel => {
    const one = document.activeElement;
    if (!panel.contains(one)) return null;
    return one.getAttribute('aria-label') || one.labels?.[0]?.textContent || one.textContent;
}"""


def test_the_panel_is_accessible(page):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    browser.ask(page, "0", "studio.stop()")
    titles = [page.locator(f"{PANEL} .studio-fold > button").nth(place) for place in (0, 1)]
    for title in titles:
        body = page.locator(f"[id='{title.get_attribute('aria-controls')}']")
        assert title.get_attribute("aria-expanded") == "false" and not body.is_visible()
        title.press("Enter")  # the keyboard opens what is folded
        body.wait_for(state="visible")
        assert title.get_attribute("aria-expanded") == "true"
    found = axe.run(page, context=PANEL).response
    assert len(found["passes"]) > 10
    grave = [rule for rule in found["violations"] if rule["impact"] in ("serious", "critical")]
    assert not grave, [(rule["id"], rule["nodes"][0]["html"]) for rule in grave]

    named = [tuple(pair) for pair in page.locator(PANEL).evaluate(NAMES)]
    assert all(name for _, name in named)
    twice = {pair for pair in named if named.count(pair) > 1}
    assert not twice, "each control has a name of its own"
    names = {name for _, name in named}
    assert {"style weight", "relu5_1", "learning rate", "frame", "photo | result"} <= names
    assert {"strength", "photo path", "Upload (0): a mask from your computer", "mask"} <= names
    assert page.locator(f"{PANEL} .studio-message").get_attribute("role") == "status"

    page.locator(PANEL).get_by_role("slider", name="photo | result").focus()
    reached = set()
    while (name := page.locator(PANEL).evaluate(FOCUSED)) is not None and len(reached) < 100:
        reached.add(name.strip())
        page.keyboard.press("Tab")
    disabled = page.locator(f"{PANEL} button:disabled").all_inner_texts()
    assert names - reached <= {"frame", *disabled}, "the keyboard reaches each of them"
    for title in titles:
        title.press("Enter")
        assert title.get_attribute("aria-expanded") == "false"


# Notes when something was changed by hand, and each picture that comes after it.
FOLLOW = """() => {
    window.seen = [];
    window.changed = null;
    window.addEventListener('change', () => { window.changed ??= performance.now(); }, true);
    const image = () => document.querySelector('.jp-OutputArea .studio-panel img');
    let last = image().src;
    new MutationObserver(() => {
        if (image() && image().src !== last) {
            last = image().src;
            window.seen.push(performance.now());
        }
    }).observe(document.body, {subtree: true, childList: true, attributes: true});
}"""


def test_the_first_look_follows_the_hand(page):
    """Its seconds and its rate are printed; how large they are depends on the machine."""
    choice = {"photo": "china", "painting": "starry_night", "size": 192, "evaluations": 3}
    browser.ask(page, "0", f"studio.stop(); studio.set(**{choice})")
    title = page.locator(f"{PANEL} button", has_text="From the next Start on")
    title.click()
    painting = page.get_by_label("painting", exact=True)
    page.wait_for_timeout(1000)
    page.evaluate(FOLLOW)
    seconds = []
    for name in ("kandinsky_composition_viii", "hokusai_great_wave", "starry_night", "gravel"):
        count = page.evaluate("() => { window.changed = null; return window.seen.length; }")
        painting.select_option(name)
        page.wait_for_function("count => window.seen.length > count", arg=count)
        seconds.append(page.evaluate("() => (window.seen.at(-1) - window.changed) / 1000"))
        page.wait_for_timeout(1000)
    title.click()

    handle = page.get_by_role("slider", name="strength")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.evaluate("() => { window.seen.length = 0; }")
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(45):  # more notches per second than the panel is asked to follow
        page.mouse.move(x - 4 * step, y)
        page.wait_for_timeout(20)
    page.mouse.up()
    page.wait_for_timeout(1000)  # the last move may still be on its way
    strength = float(browser.ask(page, "studio.settings.strength"))
    assert strength == pytest.approx(float(handle.get_attribute("aria-valuenow")), abs=0.051)
    assert strength < 0.8
    shown = f"the first look: the photograph, painted in one pass with strength {strength:g}"
    page.locator(f'{PANEL} img[alt="{shown}"]').wait_for()
    times = page.evaluate("() => window.seen")
    rate = (len(times) - 1) / (times[-1] - times[0]) * 1000
    print(
        f"192 px: the first look comes {min(seconds):.2f} to {max(seconds):.2f} s after the choice "
        f"of a painting; the strength slider gives {len(times)} pictures, {rate:.1f} per second"
    )
    assert len(times) >= 4, "the picture changes while the hand moves"

    page.locator(f"{PANEL} button", has_text="Start").first.click()
    page.locator(f'{PANEL} img[alt="the picture after 3 evaluations"]').wait_for()
    begun = "studio.frames[0].settings"
    assert browser.ask(page, f"({begun}.start, {begun}.strength)") == f"('one_pass', {strength})"


def test_boxes_show_what_was_typed(page):
    for typed, expected in (("0", 0), ("300", 300), ("123456.5", 123456.5), ("100", 100)):
        row = page.locator(f"{PANEL} .widget-hbox", has_text="style weight").last
        box = row.locator("input[type=number]")
        box.fill(typed)
        box.press("Enter")
        deadline = time.monotonic() + 20
        while float(browser.ask(page, "studio.settings.weights.style")) != expected:
            assert time.monotonic() < deadline, typed
        page.wait_for_timeout(300)  # an answer of the panel would come now
        assert float(browser.ask(page, "studio.settings.weights.style")) == expected
        assert float(box.input_value()) == expected


def test_the_curve_of_the_losses_has_the_color_of_the_text(page):
    paint(page, "coffee")
    text = page.locator(f"{PANEL} .widget-html", has_text="finished").last
    colors = {}
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        change = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
        page.evaluate(change, theme)
        page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)
        color = "element => getComputedStyle(element).color"
        colors[theme] = text.evaluate(color)
        drawn = page.locator(f"{PANEL} svg path[style*='currentColor' i]").first
        assert drawn.evaluate("line => getComputedStyle(line).stroke") == colors[theme]
    assert colors["JupyterLab Dark"] != colors["JupyterLab Light"]


def test_a_second_painting_is_blended_and_placed_by_hand(page, project):
    sky = project.parent / "sky.png"
    nst.save_image(torch.cat([torch.ones(1, 3, 20, 60), torch.zeros(1, 3, 20, 60)], 2), sky)
    browser.ask(page, "0", "studio.set(photo='china')")
    page.locator(f"{PANEL} button", has_text="Control").click()
    second = page.locator(f"{PANEL} .widget-dropdown", has_text="2nd painting")
    second.locator("select").select_option("hokusai_great_wave")
    row = page.locator(f"{PANEL} .widget-hbox", has=page.get_by_text("mask", exact=True))
    with page.expect_file_chooser() as chooser:
        row.locator("button", has_text="Upload").click()
    chooser.value.set_files(sky)
    page.locator(f'{PANEL} img[alt*="place of the second painting marked"]').wait_for()
    page.screenshot(path=project.parent / "mask.png")
    assert browser.ask(page, "studio.settings.second") == "'hokusai_great_wave'"

    page.get_by_role("slider", name="blend").press("ArrowRight")
    page.wait_for_timeout(300)
    assert float(browser.ask(page, "studio.settings.blend")) == pytest.approx(0.55)
    page.locator(f"{PANEL} button", has_text="Start").first.click()
    page.locator(f'{PANEL} img[alt="the picture after 3 evaluations"]').wait_for()
    page.screenshot(path=project.parent / "placed.png")
    styles = "studio._scene.styles.of(studio.settings.blend)"
    assert (
        browser.ask(page, f"[round(style.share, 2) for style in {styles}]") == "[0.45, 0.55, 1.0]"
    )
    page.locator(f"{PANEL} button", has_text="Control").click()
