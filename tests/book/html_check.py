"""The Nu HTML checker over every page of the built book: `make html-check`.

python tests/book/html_check.py path/to/vnu.jar      prints what is wrong, and ends with 1 where something is
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import browser as b


def main() -> None:
    """Check the pages."""
    jar = Path(sys.argv[1])
    if not shutil.which("java"):
        raise SystemExit("No Java here; on Debian: apt-get install default-jre-headless")
    pages = sorted(b.SITE.rglob("*.html"))
    pages = [page for page in pages if "_static" not in page.relative_to(b.SITE).parts]
    if not pages:
        raise SystemExit("The book is not built; run: make book")
    found = errors(jar, pages)
    for each in found:
        print(each)
    print(f"{len(pages)} pages, {len(found)} errors")
    sys.exit(bool(found))


def errors(jar: Path, pages: list[Path]) -> list[str]:
    """Return what the checker calls an error, a line each."""
    command = ["java", "-Xss4m", "-jar", str(jar), "--errors-only", "--exit-zero-always", "--format", "json"]
    ran = subprocess.run([*command, *map(str, pages)], capture_output=True, text=True, check=True)
    told = json.loads(ran.stderr)["messages"]
    return [
        f"{each['url'].rsplit('_build/html/')[-1]}:{each.get('lastLine', '?')}: {each['message']}"
        f"\n    {' '.join(each.get('extract', '').split())}"
        for each in told
        if each["type"] != "info"
    ]


if __name__ == "__main__":
    main()
