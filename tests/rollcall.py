"""Every test that was collected must have ended: a runner that leaves some out must not look like one where all passed.

It happened: runners that go by a test's id ran one of many tests that shared an id, and said that all was well.
"""

from collections.abc import Sequence

import pytest


class RollCall:
    """For the process that reports; the workers of a spread-out run know their own part only."""

    def __init__(self) -> None:
        self.collected = self.ended = 0

    @property
    def missing(self) -> int:
        return max(0, self.collected - self.ended)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        self.collected = len(ids)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not session.config.option.collectonly:
            self.collected = max(self.collected, len(session.items))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.ended += report.when == "teardown"

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.missing and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.missing:
            terminalreporter.section("tests that were collected but never ran")
            terminalreporter.line(f"{self.missing} of {self.collected}")
