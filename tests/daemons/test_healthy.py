"""No false alarms: nothing worse than a note is said of software that is well."""

from __future__ import annotations

import pytest

from tests.daemons.healthy import ALL
from tests.daemons.healthy.judged import judgement
from tests.daemons.healthy.looks import lasting_notes, several
from tests.daemons.healthy.service import Healthy, running


@pytest.mark.parametrize("healthy", ALL, ids=lambda healthy: healthy.name)
def test_no_false_alarm(healthy: Healthy) -> None:
    with running(healthy) as daemon:
        looks = several(daemon)
    assert any(look.processes for look in looks)
    assert [alarm for look in looks for alarm in look.alarms] == []
    assert [look.status for look in looks] == [0] * len(looks)
    notes = lasting_notes(looks)
    assert [one for one in notes if judgement(healthy.name, one) is None] == [], "judge this note"
