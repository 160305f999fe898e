"""Lighthouse on three pages, on its simulated slow phone: `make lighthouse` writes lighthouse.json beside this file.

python tests/book/lighthouse.py path/to/lighthouse      reads _build/html

Each figure is the median of five runs. They are relative: they belong to the machine and its load, which the file
holds, and say which page is slower and what a change did. Lighthouse reckons the phone's times from those of the
machine, so a busy one makes them longer.
"""

from __future__ import annotations

import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import browser as b

PAGES = ("book/index.html", "book/foundations/bptt.html", "book/gated/gru.html")
RUNS = 5
OUT = Path(__file__).with_suffix(".json")
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
TIMES = {"first-contentful-paint": "first content", "largest-contentful-paint": "largest content"}
TIMES |= {"total-blocking-time": "blocked", "speed-index": "speed index"}
TEXTS = {".html", ".css", ".js", ".svg", ".json"}


class Zipped(b.Quiet):
    """A server whose texts lie there compressed, and that keeps connections open."""

    protocol_version = "HTTP/1.1"

    def end_headers(self) -> None:
        if Path(self.path.split("?")[0]).suffix in TEXTS:
            self.send_header("Content-Encoding", "gzip")
        super().end_headers()


def main() -> None:
    """Measure the pages, print and store the figures."""
    lighthouse, found, load = sys.argv[1], {}, [round(os.getloadavg()[0], 1)]
    with tempfile.TemporaryDirectory() as folder, b.served(zipped(b.SITE, Path(folder)), Zipped) as site:
        for page in PAGES:
            reports = [measured(lighthouse, site + page) for _ in range(RUNS)]
            found[page] = medians([figures(report) for report in reports])
            print(page, json.dumps(found[page]))
    report = reports[-1]
    versions = {"lighthouse": report["lighthouseVersion"], "browser": report["environment"]["hostUserAgent"]}
    load.append(round(os.getloadavg()[0], 1))
    machine = {"benchmark index": report["environment"]["benchmarkIndex"], "cores": os.cpu_count(), "load": load}
    kept = {"date": date.today().isoformat(), "versions": versions, "machine": machine, "pages": found}
    OUT.write_text(json.dumps(kept, indent=1) + "\n", "utf8")


def zipped(site: Path, folder: Path) -> Path:
    """Copy the site, its texts compressed as a web server sends them."""
    for path in site.rglob("*"):
        if path.is_file():
            copy = folder / path.relative_to(site)
            copy.parent.mkdir(parents=True, exist_ok=True)
            data = path.read_bytes()
            copy.write_bytes(gzip.compress(data) if path.suffix in TEXTS else data)
    return folder


def measured(lighthouse: str, address: str) -> dict[str, Any]:
    """Return Lighthouse's report on a page."""
    command = [lighthouse, address, "--quiet", "--output=json", f"--only-categories={','.join(CATEGORIES)}"]
    command += [f"--chrome-path={b.find_chromium()}", "--chrome-flags=--headless=new --no-sandbox --disable-gpu"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def figures(report: dict[str, Any]) -> dict[str, Any]:
    """Return the scores, the times in seconds, and the weight."""
    if "runtimeError" in report:
        raise SystemExit(report["runtimeError"]["message"])
    audits = report["audits"]
    return {
        **{name: report["categories"][name]["score"] for name in CATEGORIES},
        **{f"{word}, s": round(audits[name]["numericValue"] / 1000, 2) for name, word in TIMES.items()},
        "layout shift": round(audits["cumulative-layout-shift"]["numericValue"], 3),
        "weight, kB": round(audits["total-byte-weight"]["numericValue"] / 1000),
    }


def medians(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the median of each figure: single runs differ by a third."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


if __name__ == "__main__":
    main()
