#!/usr/bin/env python3
"""Opens pages of `parcap report` in Chromium, as people do: wide and narrow, light and dark, on paper, with a script and without. axe-core
looks for what a screen reader cannot read.

    python3 scripts/oracle/check_pages.py --parcap PROGRAM [--chromium PROGRAM]

Needs playwright and axe-playwright-python. Exit status: 0 all pages are right, 1 some are not; each fault is named with its page.
"""

import argparse
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
WIDTHS = [1300, 1024, 400]
# What is left of A4 between the margins of the page, in CSS pixels.
PAPER = 688
SHOWN = re.compile(r"Shown: (.*) to (.*) UTC")


def seldom(path: Path, dates: int) -> Path:
    """A capture of one packet on each of many dates: marks of its rates are far below one."""
    packet = bytes.fromhex("020000000002020000000001080045000021000000004011000000000000c0000201") + bytes(13)
    with path.open("wb") as capture:
        capture.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for date in range(dates):
            capture.write(struct.pack("<IIII", 1_710_000_000 + date * 86_400, 0, len(packet), len(packet)) + packet)
    return path


def pages(parcap: Path, folder: Path) -> list[Path]:
    def run(*args: object) -> None:
        ran = subprocess.run([parcap, *map(str, args)], capture_output=True, text=True)
        assert ran.returncode in (0, 3), ran.stderr

    captures = [ROOT / "data/captures", ROOT / "data/recipes", ROOT / "data/damaged"]
    run("convert", *captures, "--out", folder / "lake", "--flows", "--quiet", "--top", 0)
    empty = folder / "empty.pcap"
    empty.write_bytes((ROOT / "data/captures/office-hour.pcap").read_bytes()[:24])
    made = []
    for name, of in {
        "lake": [folder / "lake"],
        "filtered": [ROOT / "data/captures", "--net", "192.0.2.0/24"],
        "seldom": [seldom(folder / "seldom.pcap", 40)],
        "empty": [empty],
        "damaged": [ROOT / "data/damaged", "--flows"],
    }.items():
        run("report", *of, "--out", folder / f"{name}.html")
        made.append(folder / f"{name}.html")
    return made


class Faults(list[str]):
    """What is wrong, and how much was looked at."""

    looked = 0

    def expect(self, is_right: bool, what: str) -> None:
        self.looked += 1
        if not is_right:
            self.append(what)


def views(page: Page) -> list[str]:
    """The numbers of the pictures."""
    return [view.get_attribute("id").removeprefix("view-") for view in page.locator("input[name=view]").all()]


def is_chosen(page: Page, view: str, faults: Faults, where: str) -> None:
    """Chooses a picture by its words, and expects to see no other one."""
    page.locator(f"label[for=view-{view}]").click()
    seen = [other for other in views(page) if page.locator(f".v{other}").is_visible()]
    faults.expect(seen == [view], f"{where}: pictures {seen} are seen where {view} is chosen")


def exact(text: str) -> int:
    return int(re.sub(r"[^0-9]", "", text))


def check_picture(page: Page, view: str, faults: Faults, where: str) -> None:
    def all_texts(selector: str) -> list[str]:
        return page.locator(f".v{view} {selector}").all_text_contents()

    marks = all_texts(".marks .y")
    faults.expect(len(set(marks)) == len(marks), f"{where}: marks {marks}")
    # The numbers that the script reads out add up to those that the page says.
    drawn = page.locator(f".v{view} .areas path").evaluate_all("all => all.map(path => path.dataset.amounts).reverse()")
    sums = [sum(int(number, 36) for number in amounts.split(" ")) for amounts in drawn]
    titles = page.locator(f".v{view} .legend span[title]").evaluate_all("all => all.map(span => span.title)")
    faults.expect(sums == [exact(title) for title in titles], f"{where}: {sums} and {titles}")


def check_zoom(page: Page, view: str, faults: Faults, where: str) -> None:
    """All pictures show the part that one of them is zoomed to, and then all of the time again."""
    frame = page.locator(f".v{view} .frame")
    # A mouse over a picture reads it out.
    page.mouse.move(0, 0)
    before = page.locator(".areas path").evaluate_all("all => all.map(path => path.getAttribute('d'))")
    frame.focus()
    for _ in range(3):
        frame.press("+")
    readouts = {other: page.locator(f".v{other} .readout").text_content() or "" for other in views(page)}
    if part := SHOWN.match(readouts[view]):
        check_picture(page, view, faults, f"{where} zoomed")
        for other, readout in readouts.items():
            more = SHOWN.match(readout)
            # A picture of few bins may show all of them.
            holds = not readout or more and more[1] <= part[1] and part[2] <= more[2]
            faults.expect(bool(holds), f"{where}: picture {other} says {readout!r} beside {readouts[view]!r}")
    frame.press("ArrowRight")
    readout = page.locator(f".v{view} .readout").text_content() or ""
    faults.expect("UTC: " in readout, f"{where}: the arrow reads {readout!r}")
    frame.press("Escape")
    after = page.locator(".areas path").evaluate_all("all => all.map(path => path.getAttribute('d'))")
    faults.expect(before == after, f"{where}: Escape does not bring all of it back")


def check_tables(page: Page, faults: Faults, where: str) -> None:
    for table in page.locator("table.rows").all():
        name = f"{where}, table {table.get_attribute('class')}"
        if table.locator("tbody tr").count() < 2:
            continue
        for head in table.locator("thead .bar .sort").all():
            for falls in [True, False]:
                head.click()
                titles = table.locator("td.bar").evaluate_all(
                    "all => all.map(cell => cell.querySelector('[title]')?.title ?? cell.textContent)"
                )
                numbers = [exact(title) for title in titles]
                faults.expect(numbers == sorted(numbers, reverse=falls), f"{name}: sorted as {numbers}")
        field = table.locator("xpath=../preceding-sibling::label[1]//input")
        if field.count():
            field.fill("no row has this")
            faults.expect(table.locator("tbody tr:visible").count() == 0, f"{name}: a filter hides no rows")
            field.press("Escape")
            faults.expect(table.locator("tbody tr[hidden]").count() == 0, f"{name}: Escape leaves a filter")


def check_widths(page: Page, faults: Faults, where: str) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        faults.expect(over <= 0, f"{where}: {over} pixels do not fit a window of {width}")
    page.set_viewport_size({"width": PAPER, "height": 900})
    page.emulate_media(media="print")
    wide = page.locator("table:visible").evaluate_all(
        "all => all.filter(one => one.scrollWidth > one.parentElement.clientWidth).map(one => one.className)"
    )
    faults.expect(not wide, f"{where}: tables that do not fit paper: {wide}")
    page.emulate_media(media="screen")


def check_page(browser: Browser, path: Path, faults: Faults) -> None:
    for scheme in ["light", "dark"]:
        # axe comes from outside the page, which allows its own script only.
        page = browser.new_page(color_scheme=scheme, bypass_csp=True, viewport={"width": WIDTHS[0], "height": 900})
        where = f"{path.name}, {scheme}"
        page.on("pageerror", lambda error, where=where: faults.append(f"{where}: {error}"))
        page.on("console", lambda said, where=where: said.type == "error" and faults.append(f"{where}: {said.text}"))
        page.goto(path.as_uri())
        for view in views(page) or [None]:
            if view:
                is_chosen(page, view, faults, where)
                check_picture(page, view, faults, f"{where}, picture {view}")
                check_zoom(page, view, faults, f"{where}, picture {view}")
            found = Axe().run(page).response["violations"]
            faults.expect(not found, f"{where}, picture {view}: axe: {[(one['id'], one['nodes'][0]['html']) for one in found]}")
        check_tables(page, faults, where)
        check_widths(page, faults, where)
        page.close()
    # As it comes, under its own policy; and without a script.
    for script in [True, False]:
        context = browser.new_context(java_script_enabled=script)
        page, where = context.new_page(), f"{path.name}, {'with' if script else 'without'} its script"
        page.on("pageerror", lambda error, where=where: faults.append(f"{where}: {error}"))
        page.on("console", lambda said, where=where: said.type == "error" and faults.append(f"{where}: {said.text}"))
        page.goto(path.as_uri())
        for view in views(page):
            is_chosen(page, view, faults, where)
        faults.expect(page.locator(".tools:visible").count() == (1 if script and views(page) else 0), f"{where}: tools")
        many = page.locator("table.rows").evaluate_all("all => all.filter(one => one.tBodies[0].rows.length > 1).length") if script else 0
        faults.expect(page.locator("table:has(.sort)").count() == many, f"{where}: not each table sorts")
        context.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parcap", type=Path, required=True, metavar="PROGRAM")
    parser.add_argument("--chromium", default="/usr/bin/chromium", metavar="PROGRAM")
    args = parser.parse_args()
    faults = Faults()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        made = pages(args.parcap.resolve(), Path(folder))
        quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=args.chromium, args=quiet)
        for path in made:
            check_page(browser, path, faults)
        browser.close()
    print(f"{len(made)} pages in Chromium, {faults.looked} expectations, {len(faults)} faults")
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
