"""What --real-services-report says of a run: the slowest tests, where time went, what each service was asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from realservices.ledger import Run


@dataclass(frozen=True, slots=True)
class Report:
    """A run, the figures of pytest-xdist's workers added up; `medians` are seconds of a call, by service."""

    run: Run
    medians: Mapping[str, float]

    def lines(self) -> list[str]:
        """The section of the terminal."""
        run = self.run
        tests = sum(run.real.values())
        spent = sum(figures["seconds"] for figures in run.calls.values())
        isolation = 1000 * run.isolation_seconds / max(tests, 1)
        workers = f", {run.workers} workers" if run.workers > 1 else ""
        lines = [
            f"{tests} test{'s' if tests != 1 else ''} on real services in {run.seconds:.2f} s{workers}",
            f"in services  {spent:9.3f} s",
            f"in isolation {run.isolation_seconds:9.3f} s, {isolation:.2f} ms a test",
            "",
            f"{'service':<12}{'calls':>8}{'errors':>8}{'total ms':>12}{'median ms':>12}",
        ]
        for service, figures in sorted(run.calls.items()):
            calls, errors = int(figures["calls"]), int(figures["errors"])
            total, middle = 1000 * figures["seconds"], 1000 * self.medians.get(service, 0.0)
            lines.append(f"{service:<12}{calls:>8}{errors:>8}{total:>12.1f}{middle:>12.3f}")
        lines += ["", "slowest tests, fixtures included:"]
        return lines + [f"{1000 * seconds:>10.1f} ms  {name}" for name, seconds in run.slowest]

    def json(self) -> str:
        """The same for a machine; times are milliseconds."""
        run = self.run
        services = {
            service: {
                "version": run.services.get(service, ""),
                "calls": int(figures["calls"]),
                "errors": int(figures["errors"]),
                "total_ms": round(1000 * figures["seconds"], 3),
                "median_ms": round(1000 * self.medians.get(service, 0.0), 4),
            }
            for service, figures in sorted(run.calls.items())
        }
        document = {
            "version": 1,
            "tests": sum(run.real.values()),
            "workers": run.workers,
            "duration_ms": round(1000 * run.seconds, 3),
            "services_ms": round(sum(1000 * figures["seconds"] for figures in run.calls.values()), 3),
            "isolation_ms": round(1000 * run.isolation_seconds, 3),
            "services": services,
            "slowest": [{"test": name, "ms": round(1000 * seconds, 3)} for name, seconds in run.slowest],
        }
        return json.dumps(document, indent=2) + "\n"
