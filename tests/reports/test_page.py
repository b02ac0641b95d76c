"""The page of `migrate report --format html` in a real browser: Chromium, headless, from a file."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from migrator import demo
from tests.reports.test_report import HOSTILE
from tests.scan.running import migrate, write

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver (Debian: chromium, chromium-driver)"
)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --window-size=1300,1600"
).split()


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    with tempfile.TemporaryDirectory() as profile:
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        chrome = webdriver.Chrome(options, webdriver.ChromeService(DRIVER, env={**os.environ, "no_proxy": "*"}))
        try:
            yield chrome
        finally:
            chrome.quit()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    tree = tmp_path_factory.mktemp("shop") / "shop"
    shutil.copytree(Path(demo.__file__).parent / "project", tree)
    write(tree, "CODEOWNERS", "* @qa\n")
    name = HOSTILE.removeprefix("tests/").replace("/", "∕")
    write(tree, f"tests/{name}", "from unittest.mock import Mock\n\ndef test_a():\n    x = Mock()\n    '</script>'\n")
    assert migrate(tree, "report", "--format", "html").returncode == 0
    return (tree / "migration-report/index.html").as_uri()


def opened(browser: webdriver.Chrome, page: str, fragment: str = "") -> None:
    browser.get("about:blank")
    browser.get(page + fragment)


def opened_file(browser: webdriver.Chrome, name: str) -> WebElement:
    """The heading of a file's part, once it says this name: the page hears of a link after the click is over."""
    heading = browser.find_element(By.ID, "h-file")
    WebDriverWait(browser, 10).until(lambda _: heading.text == name, f"the page shows no {name}")
    return heading


def said(browser: webdriver.Chrome) -> list[dict[str, Any]]:
    log: list[dict[str, Any]] = browser.get_log("browser")  # type: ignore[no-untyped-call]
    return log


def rows(browser: webdriver.Chrome, table: str = "file-table") -> list[list[str]]:
    found = browser.find_element(By.ID, table).find_elements(By.CSS_SELECTOR, "tbody tr")
    return [[cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in found]


def head(browser: webdriver.Chrome, title: str) -> WebElement:
    heads = browser.find_elements(By.CSS_SELECTOR, "#file-table thead button")
    return next(item for item in heads if item.text.startswith(title))


def test_it_opens_without_a_word_and_asks_nobody(browser: webdriver.Chrome, page: str) -> None:
    opened(browser, page)
    assert said(browser) == []
    assert "105 violations" not in browser.title
    assert browser.find_element(By.CSS_SELECTOR, "#map svg").is_displayed()
    asked = browser.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in asked if not name.startswith(("data:", "blob:"))] == []


def test_sorting_by_a_column_and_back_with_the_keyboard(browser: webdriver.Chrome, page: str) -> None:
    opened(browser, page)
    numbers = [int(row[2]) for row in rows(browser)]
    assert numbers == sorted(numbers, reverse=True)
    head(browser, "now").send_keys(Keys.ENTER)
    assert [int(row[2]) for row in rows(browser)] == numbers[::-1]
    head(browser, "file").send_keys(Keys.SPACE)
    paths = [row[0] for row in rows(browser)]
    assert paths == sorted(paths)
    (sorted_by,) = browser.find_elements(By.CSS_SELECTOR, "#file-table th[aria-sort]")
    assert (sorted_by.text.split()[0], sorted_by.get_attribute("aria-sort")) == ("file", "ascending")


def test_filters(browser: webdriver.Chrome, page: str) -> None:
    opened(browser, page)
    browser.find_element(By.ID, "filter").send_keys("SESSIONS")
    assert [row[0] for row in rows(browser)] == ["tests/test_sessions.py"]
    assert browser.find_element(By.ID, "shown").text == "1 of 6 files"
    browser.find_element(By.ID, "filter").clear()
    browser.find_element(By.ID, "service").send_keys("websocket")
    assert {row[0] for row in rows(browser)} == {"tests/conftest.py", "tests/test_client.py"}
    browser.find_element(By.ID, "fix").send_keys("assisted")
    assert rows(browser) == []


def test_a_file_opens_by_its_link_and_by_its_address(browser: webdriver.Chrome, page: str) -> None:
    opened(browser, page)
    browser.find_element(By.LINK_TEXT, "tests/test_users.py").send_keys(Keys.ENTER)
    heading = opened_file(browser, "tests/test_users.py")
    assert browser.switch_to.active_element == heading
    tests = browser.find_elements(By.CSS_SELECTOR, "#file .test")
    assert len(tests) == 11
    assert "apply rewrites all of it" in tests[0].text
    assert tests[0].find_elements(By.CSS_SELECTOR, "pre .plus")
    address = browser.current_url
    opened(browser, address)
    opened_file(browser, "tests/test_users.py")


def test_hostile_names_are_text(browser: webdriver.Chrome, page: str) -> None:
    opened(browser, page)
    (name,) = [row[0] for row in rows(browser) if "onerror" in row[0]]
    assert name.endswith("`|*_[a](b)\\x1b[31m<∕script>.py")
    browser.find_element(By.LINK_TEXT, name).click()
    opened_file(browser, name)
    assert browser.find_elements(By.CSS_SELECTOR, "img") == []
    assert said(browser) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_light_and_dark_and_printed(browser: webdriver.Chrome, page: str, scheme: str) -> None:
    opened(browser, page)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    for media in ("screen", "print"):
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
        ink, paper = (
            browser.execute_script(f"return getComputedStyle(document.body).{name}")
            for name in ("color", "backgroundColor")
        )
        assert contrast(ink, paper) > 7
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


def contrast(one: str, other: str) -> float:
    """By WCAG 2.1."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lower, upper = sorted((luminance(one), luminance(other)))
    return (upper + 0.05) / (lower + 0.05)


def test_five_thousand_files(browser: webdriver.Chrome, page: str, tmp_path: Path) -> None:
    path = Path(page.removeprefix("file://"))
    text = path.read_text(encoding="utf-8")
    begin = text.index('id="data">') + len('id="data">')
    end = text.index("</script>", begin)
    data = json.loads(text[begin:end])
    data["files"] = [
        {**data["files"][number % 6], "path": f"tests/part{number % 50}/test_{number}.py"} for number in range(5000)
    ]
    large = tmp_path / "index.html"
    large.write_text(text[:begin] + json.dumps(data).replace("<", "\\u003c") + text[end:], encoding="utf-8")
    opened(browser, large.as_uri())
    assert browser.find_element(By.ID, "shown").text == "5,000 of 5,000 files"
    count = "return document.querySelectorAll('#file-table tbody tr').length"
    assert browser.execute_script(count) == 200
    browser.find_element(By.ID, "more").click()
    assert browser.execute_script(count) == 5000
