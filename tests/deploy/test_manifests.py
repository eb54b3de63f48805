"""The manifests for Kubernetes: valid by its own schemas, and each level sees what it says.

A container is made of what each manifest asks for (user, capabilities, root, pid namespace,
volumes), and its command is run there.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.boxes import Box
from tests.harness.command import TREE
from tests.harness.targets import Target

KUBERNETES = TREE / "scripts" / "deploy" / "kubernetes"
LEVELS = ("masks", "bpf", "ptrace", "all")
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="runc needs root: sudo scripts/test")
EVERY = TREE / "scripts" / "image" / "every.py"
VERSIONS = ("1.30", "1.37")
"""The first one knows appArmorProfile."""


def manifest(name: str) -> dict[str, Any]:
    yaml = pytest.importorskip("yaml", reason="pip install kubernetes-validate")
    found: dict[str, Any] = yaml.safe_load((KUBERNETES / name).read_text("utf-8"))
    return found


def debugged(level: str) -> dict[str, Any]:
    """A pod as `kubectl debug --custom` makes it of the profile."""
    profile = json.loads((KUBERNETES / f"debug-{level}.json").read_text("utf-8"))
    app = {"name": "app", "image": "app"}
    look = {"name": "look", "image": "sigscope", "targetContainerName": "app", **profile}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "stuck"},
        "spec": {"containers": [app], "ephemeralContainers": [look]},
    }


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["namespace", *(f"daemonset-{level}" for level in LEVELS)])
def test_kubernetes_takes_it(name: str, version: str) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="it is for Python 3.11 here")
    validate.validate(manifest(f"{name}.yaml"), version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("level", ["masks", "ptrace", "bpf"])
def test_kubernetes_takes_an_ephemeral_container_like_that(level: str, version: str) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="it is for Python 3.11 here")
    validate.validate(debugged(level), version, strict=True)


def test_a_wrong_word_would_be_found() -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="it is for Python 3.11 here")
    wrong = manifest("daemonset-masks.yaml")
    wrong["spec"]["template"]["spec"]["hostPIDs"] = True
    with pytest.raises(validate.ValidationError):
        validate.validate(wrong, VERSIONS[0], strict=True)


def boxed(container: dict[str, Any], pod: dict[str, Any], archive: Path) -> Box:
    """What a kubelet and a runtime make of it, as far as it matters here."""
    context = container["securityContext"]
    capabilities = context["capabilities"]
    assert capabilities["drop"] == ["ALL"]
    sources = {one["name"]: Path(one["hostPath"]["path"]) for one in pod.get("volumes", ())}
    mounts = container.get("volumeMounts", ())
    assert all(mount["readOnly"] for mount in mounts)
    return Box(
        user=context["runAsUser"],
        capabilities=[f"CAP_{name}" for name in capabilities.get("add", ())],
        read_only=context["readOnlyRootFilesystem"],
        host_pids=pod.get("hostPID", False),
        files={
            "/sigscope.pyz": archive,
            "/opt/every.py": EVERY,
            **{mount["mountPath"]: sources[mount["name"]] for mount in mounts},
        },
        memory={"/dev/shm": "16m"},  # a runtime always makes one
        environment={
            "PYTHONPATH": "/sigscope.pyz",
            **{one["name"]: one["value"] for one in container.get("env", ())},
        },
    )


def audited(level: str, archive: Path) -> dict[str, Any]:
    """What the DaemonSet would write to its log, in JSON."""
    pod = manifest(f"daemonset-{level}.yaml")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    python, every, seconds = container["command"]
    assert (python, every, float(seconds)) == ("python3", "/opt/every.py", 900)
    words = (python, "-m", "sigscope", *container["args"], "--json")
    said = boxed(container, pod, archive).run(*words)
    assert said.status in (0, 1), said.err
    return said.document


@ROOT_ONLY
@pytest.mark.parametrize("level", LEVELS)
def test_each_level_sees_what_it_says(level: str, archive: Path, anothers: Target) -> None:
    document = audited(level, archive)
    found = {
        (one["id"], one["severity"]) for one in document["findings"] if one["pid"] == anothers.pid
    }
    unread = {gap["what"] for gap in document["gaps"]}
    reads = level in ("ptrace", "all")
    assert (("blocked-pending", "error") in found) is reads
    assert (f"blocked-pending of {anothers.pid}" in unread) is not reads, "seen, and not assessed"
    if level == "masks" or Path("/sys/kernel/btf/vmlinux").exists():
        assert ("bpf" in document["engine"]) is (level in ("bpf", "all"))


@ROOT_ONLY
@pytest.mark.parametrize("level", ["masks", "ptrace", "bpf"])
def test_an_ephemeral_container_sees_what_it_says(
    level: str, archive: Path, anothers: Target
) -> None:
    """In the pid namespace of its target, which here is that of this host."""
    pod = debugged(level)["spec"]
    (container,) = pod["ephemeralContainers"]
    box = replace(boxed(container, pod, archive), init=anothers.pid)
    said = box.run("python3", "-m", "sigscope", "pid", anothers.pid, "--json")
    assert said.document["processes"][0]["blocked_by_all"]["signals"] == ["SIGALRM"]
    ids = {one["id"] for one in said.document["findings"]}
    assert ("blocked-pending" in ids) is (level != "masks")
    freed = box.run("python3", "-m", "sigscope", "unblock", "ALRM", anothers.pid, "--dry-run")
    assert freed.status == (4 if level == "masks" else 0), freed.err


def test_it_is_done_again_until_sigterm(tmp_path: Path) -> None:
    """As PID 1, too: there a signal without a handler is ignored."""
    heard = subprocess.Popen(
        [sys.executable, EVERY, "0.01", "decode", "4000"],
        env={**os.environ, "PYTHONPATH": str(TREE)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert heard.stdout is not None
    lines = [heard.stdout.readline() for _ in range(20)]
    assert len({line for line in lines if "SIGTERM" in line}) == 1
    assert sum("SIGTERM" in line for line in lines) > 1
    heard.send_signal(signal.SIGTERM)
    heard.stdout.close()
    assert heard.wait(60) == 0
