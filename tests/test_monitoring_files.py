"""The dashboard and the alert rules name metrics that there are, and each alert has its section."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.test_metrics_page import families

FOLDER = Path(__file__).parents[1] / "docs" / "monitoring"
RULES = (FOLDER / "alerts.yml").read_text()
ALERTS = re.findall(r"- alert: (\w+)", RULES)


def metric_names(text: str) -> set[str]:
    return {re.sub(r"_bucket$", "", name) for name in re.findall(r"\bloyalty_\w+", text)}


@pytest.mark.parametrize("file", ["alerts.yml", "alerts_test.yml", "dashboard.json", "README.md"])
def test_every_metric_that_is_named_is_there(file: str) -> None:
    assert metric_names((FOLDER / file).read_text()) - families().keys() == set()


def test_every_alert_has_a_section_that_it_leads_to() -> None:
    sections = re.findall(r"^## (\w+)$", (FOLDER / "README.md").read_text(), re.MULTILINE)

    assert sections == ALERTS
    assert re.findall(r"runbook: docs/monitoring/README.md#(\w+)", RULES) == [a.lower() for a in ALERTS]


def test_the_dashboard_s_panels_have_a_title_and_a_query_each() -> None:
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]

    assert all(panel["title"] and panel["targets"][0]["expr"] for panel in panels)


@pytest.mark.parametrize(
    "command", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")], ids=" ".join
)
def test_promtool_finds_the_rules_valid(command: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: it comes with Debian's prometheus")

    done = subprocess.run([promtool, *command], cwd=FOLDER, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
