"""What runtimes write down of their containers; files of any other shape say nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sigscope.decode.runtime_files import FILES, LONGEST, NOTHING, Named, docker, oci, runc, storage

ID = "4e5f" * 16
POD = {"io.kubernetes.pod.name": "web-5d9f", "io.kubernetes.pod.namespace": "shop"}
CRI = {
    "io.kubernetes.cri.container-name": "nginx",
    "io.kubernetes.cri.sandbox-name": "web-5d9f",
    "io.kubernetes.cri.sandbox-namespace": "shop",
}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (docker({"Name": "/web", "Config": {"Labels": {}}}, ID), Named("web")),
        (
            docker(
                {
                    "Name": "/k8s_x",
                    "Config": {"Labels": {**POD, "io.kubernetes.container.name": "x"}},
                },
                ID,
            ),
            Named("x", "shop/web-5d9f"),
        ),
        (oci({"annotations": CRI}, ID), Named("nginx", "shop/web-5d9f")),
        (
            oci({"annotations": {**CRI, "io.kubernetes.cri.container-type": "sandbox"}}, ID),
            Named(None, "shop/web-5d9f"),
        ),
        (oci({"annotations": {"nerdctl/name": "web"}}, ID), Named("web")),
        (runc({"config": {"labels": ["bundle=/b"]}}, "web"), Named("web")),
        (runc({"config": {"labels": ["bundle=/b"]}}, ID), NOTHING),
        (
            runc({"config": {"labels": [f"{key}={value}" for key, value in CRI.items()]}}, ID),
            Named("nginx", "shop/web-5d9f"),
        ),
        (storage([{"id": "x"}, {"id": ID, "names": ["web"]}], ID), Named("web")),
        (storage([{"id": ID, "names": []}], ID), NOTHING),
        (docker({"Name": "x" * 999}, ID), Named("x" * LONGEST)),
    ],
)
def test_name_and_pod_are_found(found: Named, expected: Named) -> None:
    assert found == expected


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Name", "Config", "Labels", "annotations", "config", "labels", "id"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_any_json_is_taken(content: Any) -> None:
    for _, reader in FILES:
        assert isinstance(reader(content, ID), Named)
