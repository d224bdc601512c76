"""The studio in a real browser, as somebody uses it who has never seen it."""

import json

import pytest
from planted_answers import RIGHT_GUIDE, SWAPPED_GUIDE
from real_browser import LONG, NEEDS_CHROMIUM, chromium, opened_page

pytest.importorskip("playwright", reason="Playwright is not installed")
from playwright.sync_api import Page, expect
from studio_clips import clips_in, scanned
from studio_process import StudioProcess

from mutoscope.learn.chapters import chapter_names
from mutoscope.learn.exercises import exercises

pytestmark = NEEDS_CHROMIUM
PLAYS = """async (video) => {
  const frame = () => {
    const canvas = Object.assign(document.createElement("canvas"), {width: 32, height: 32});
    canvas.getContext("2d").drawImage(video, 0, 0, 32, 32);
    return canvas.getContext("2d").getImageData(0, 0, 32, 32).data.join();
  };
  const first = [video.currentTime, frame()];
  for (let k = 0; k < 100; k++) {
    await new Promise((done) => setTimeout(done, 50));
    if (video.currentTime !== first[0] && frame() !== first[1]) return true;
  }
  return false;
}"""


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    with StudioProcess(tmp_path_factory.mktemp("work")) as started:
        yield started


@pytest.fixture(scope="module")
def browser():
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser, studio):
    with opened_page(browser, studio.address) as opened:
        yield opened


def start_run(page: Page, name: str, steps: int) -> None:
    page.goto(page.url.split("#")[0] + "#/train?recipe=smoke")
    page.get_by_label("name of the run").fill(name)
    page.get_by_label("steps", exact=True).first.fill(str(steps))
    expect(page.get_by_label("The command")).to_contain_text(name)
    page.get_by_role("button", name="Start training").click()


def test_i_trained_it_i_typed_a_prompt_i_saw_my_video(page):
    expect(page.get_by_text("Nothing was trained here yet")).to_be_visible()
    start_run(page, "mine", 40)
    chart = page.get_by_role("region", name="Curves").get_by_role("img")
    expect(page.get_by_role("heading", name="mine")).to_be_visible(timeout=LONG)
    expect(chart).to_be_visible(timeout=LONG)
    first = chart.get_attribute("aria-label")
    expect(chart).not_to_have_attribute("aria-label", first, timeout=LONG)  # the curve grows by itself
    page.reload()  # in the middle of it
    expect(page.get_by_text("finished")).to_be_visible(timeout=LONG)
    expect(page.get_by_alt_text("videos of")).to_be_visible(timeout=LONG)
    page.get_by_role("link", name="Make videos with it").click()
    page.get_by_label("prompts").fill("a red 3 moving up")
    page.get_by_role("button", name="Make the video").click()
    video = page.locator("article", has_text="a red 3 moving up").locator("video")
    expect(video).to_be_visible(timeout=LONG)
    assert video.evaluate(PLAYS)
    address = page.get_by_role("link", name="gif").get_attribute("href")
    assert page.request.get(page.url.split("/#")[0] + address).body().startswith(b"GIF8")
    page.goto(page.url.split("#")[0] + "#/runs")
    expect(page.get_by_role("article", name="mine")).to_contain_text("finished")


def test_a_job_is_cancelled(page):
    page.goto(page.url.split("#")[0] + "#/generate")
    page.get_by_label("prompts").fill("a blue 5 moving down")
    page.get_by_text("Settings").click()
    page.get_by_label("steps", exact=True).fill("1000")
    page.get_by_role("button", name="Make the video").click()
    job = page.get_by_role("article", name="a blue 5 moving down")
    expect(job.get_by_alt_text("what the network takes")).to_be_visible(timeout=LONG)  # the live preview
    job.get_by_role("button", name="Cancel").click()
    expect(job).to_contain_text("cancelled")
    expect(job.get_by_role("button", name="Once more")).to_be_visible()


def test_a_run_is_paused_and_goes_on(page):
    start_run(page, "long", 4000)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("paused", exact=False).first).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("training", exact=False).first).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Go on")).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Delete for ever")).to_be_disabled()
    dialog.get_by_role("textbox").fill("long")
    dialog.get_by_role("button", name="Delete for ever").click()
    expect(page.get_by_role("article", name="long")).to_have_count(0)


@pytest.mark.parametrize(
    "label, typed, words",
    [
        ("steps", "-3", "at least 1"),
        ("steps", "many", "valid integer"),
        ("steps", "9" * 400, "400 digits"),
        ("lr", "<img src=x onerror=document.title='owned'>", "valid number"),
        ("name of the run", "../../etc", "use letters"),
        ("name of the run", "<script>document.title='owned'</script>", "use letters"),
        ("name of the run", "x" * 5000, "64 at most"),
        ("seed", "1e999", "got"),
    ],
)
def test_answers_stand_beside_the_field(page, label, typed, words):
    page.goto(page.url.split("#")[0] + "#/train?recipe=smoke")
    field = page.get_by_label(label, exact=True).first
    field.fill(typed)
    page.get_by_role("button", name="Start training").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    box = page.locator(".field", has=field)
    expect(box.get_by_role("alert")).to_contain_text(words)
    assert "owned" not in page.title() and "#/train" in page.url


def test_the_page_goes_on_after_a_lost_connection(page, studio):
    page.goto(studio.address + "#/runs")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    studio.kill()
    expect(page.get_by_text("The connection to the studio is lost")).to_be_visible(timeout=LONG)
    studio.start()
    expect(page.get_by_text("The connection to the studio is lost")).to_have_count(0, timeout=LONG)
    start_run(page, "after", 12)
    expect(page.get_by_text("finished")).to_be_visible(timeout=LONG)


def test_by_keyboard_alone(page):
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Generate")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Generate")).to_be_visible()


@pytest.mark.parametrize("width", [360, 1600])
@pytest.mark.parametrize(
    "place",
    [
        "#/runs",
        "#/train",
        "#/generate",
        "#/data",
        "#/compare",
        "#/learn",
        "#/learn/figures?figure=words",
        "#/learn/exercises?exercise=guide",
        "#/run/nothing",
        "#/nowhere",
    ],
)
def test_no_page_is_wider_than_the_screen(page, width, place):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(page.url.split("#")[0] + place)
    page.reload()
    expect(page.locator("h1").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_caption_is_mended_where_training_reads_it(page, studio):
    folder = studio.folder / "clips"
    clips_in(folder, "one.mp4", "two.mp4")
    (folder / "one.txt").write_text("a red ball")
    (folder / "two.txt").write_text("a bleu ball")
    scanned(folder)
    page.goto(studio.address + "#/data")
    page.reload()
    caption = page.get_by_label("Caption of two")
    caption.fill("a blue ball")
    caption.press("Enter")
    expect(page.get_by_role("article", name="two.mp4")).to_contain_text("saved")
    assert (folder / "two.txt").read_text().strip() == "a blue ball"
    page.reload()
    expect(page.get_by_label("Caption of two")).to_have_value("a blue ball")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Caption of two")).to_have_value("a bleu ball")
    assert (folder / "two.txt").read_text().strip() == "a bleu ball"


def test_a_figure_moves_with_its_slider(page):
    page.goto(page.url.split("#")[0] + "#/learn/figures?figure=words")
    picture, slider = page.get_by_role("img", name="last third"), page.get_by_role("slider", name="word")
    expect(picture).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("slider", name="frame").fill("8")
    expect(slider).to_have_attribute("aria-valuetext", "7")
    expect(page.get_by_text("% of all attention. By latent frame")).to_be_visible()

    def pixels(other_than: str = "") -> str:
        """Of the canvas, which is drawn a moment after the slider has moved."""
        page.wait_for_function("([one, old]) => one.toDataURL() !== old", arg=[picture.element_handle(), other_than])
        return picture.evaluate("canvas => canvas.toDataURL()")

    seven = pixels()
    slider.press("ArrowLeft")
    expect(slider).to_have_attribute("aria-valuetext", "red")
    red = pixels(other_than=seven)
    page.get_by_role("slider", name="frame").press("ArrowRight")
    page.get_by_role("slider", name="frame").press("ArrowRight")
    assert pixels(other_than=red) != seven
    page.get_by_label("Prompt").fill("a zebra")
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_text("the model never saw: 'zebra'")).to_be_visible(timeout=LONG)
    page.get_by_label("Prompt").fill("red " * 60)
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_text("failed")).to_be_visible(timeout=LONG)
    expect(picture).to_be_visible()  # what was there stays
    expect(page.get_by_role("button", name="Once more")).to_be_visible()


def test_of_many_figures_asked_for_quickly_the_last_one_is_computed(page, studio):
    page.goto(page.url.split("#")[0] + "#/learn/figures?figure=steps")
    other = page.get_by_role("button", name="Other noise")
    for _ in range(4):
        other.click()
    expect(page.get_by_text(", seed 4").first).to_be_visible(timeout=LONG)
    asked = json.loads(studio.ask("api/jobs?kind=figure"))
    states = [job["state"] for job in asked if job["payload"]["request"]["figure"] == "steps"]
    assert states[0] == "done" and "cancelled" in states[1:] and set(states) <= {"done", "cancelled"}


def test_an_exercise_is_solved_in_the_page(page):
    page.get_by_role("link", name="Learn").click()
    expect(page.get_by_role("article")).to_have_count(len(chapter_names()))
    page.get_by_role("link", name="Exercises").click()
    page.get_by_role("link", name="Classifier-free guidance").click()
    answer = page.get_by_label("Your Python")
    page.get_by_role("button", name="Check").click()
    verdict = page.locator("#verdict")
    expect(verdict).to_contain_text("not written yet")
    answer.fill(SWAPPED_GUIDE)
    page.get_by_role("button", name="Check").click()
    expect(verdict).to_contain_text("points away from the caption", timeout=LONG)
    answer.fill(RIGHT_GUIDE)
    page.get_by_role("button", name="Check").click()
    expect(verdict).to_contain_text("✓ right", timeout=LONG)
    page.reload()
    expect(answer).to_have_value(RIGHT_GUIDE)  # what was written is still there
    page.get_by_role("link", name="Unpatchify").click()
    expect(page.get_by_label("Your Python")).to_have_value(exercises()["unpatchify"].starter)
