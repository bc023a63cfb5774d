"""What the axe rules find on a page, and whether it fits a phone."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SERIOUS = {"serious", "critical"}


def findings(page: Page) -> list[str]:
    """Serious ones, each with the place where it is; the whole page is looked at, light and dark."""
    found = []
    for scheme in ("light", "dark"):
        # Colours on their way from one scheme to the other have no contrast of their own.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in SERIOUS:
                places = ", ".join(str(node["target"]) for node in violation["nodes"][:3])
                found.append(f"{scheme}: {violation['id']}: {violation['help']} at {places}")
    page.emulate_media(color_scheme="light")
    return found


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than a phone's 375."""
    before = page.viewport_size
    page.set_viewport_size({"width": 375, "height": 740})
    wider: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if before:
        page.set_viewport_size(before)
    return wider
