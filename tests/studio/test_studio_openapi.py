"""Whatever is sent to whatever address: an answer in words, never a 5xx."""

import pytest

pytest.importorskip("schemathesis", reason="Schemathesis is not installed")
pytest.importorskip("fastapi", reason="the studio's packages are not installed")
import schemathesis
from hypothesis import HealthCheck, given, settings

from mutoscope.studio.app import build_app
from mutoscope.studio.workspace import Workspace


@pytest.fixture(scope="module")
def operations(tmp_path_factory):
    workspace = Workspace(tmp_path_factory.mktemp("work"))
    workspace.prepare()
    loaded = schemathesis.openapi.from_asgi("/openapi.json", build_app(workspace))
    found = {one.ok().label: one.ok() for one in loaded.get_all_operations()}
    found.pop("GET /api/events")  # it never ends
    return found


def hold(operation):
    """Ask an address many things."""

    @given(case=operation.as_strategy())
    @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def asked(case):
        answer = case.call()
        assert answer.status_code < 500, f"{operation.label}: {answer.text}"
        if answer.status_code >= 400:
            assert answer.json().get("message") or answer.json().get("detail"), f"{operation.label}: {answer.text}"

    asked()


def test_no_question_is_a_server_error(operations):
    assert len(operations) > 20
    for operation in operations.values():
        hold(operation)
