"""Each check of limits.py on a template that is wrong: tests/fixtures/template has what the template once said, a file each.

A file names in its first lines what has to be found in it.
"""

import sys
from pathlib import Path

from limits import read, wrong

FIXTURES = Path(__file__).resolve().parent.parent / "tests/fixtures/template"


def main():
    missed, files = [], sorted(FIXTURES.glob("*.yaml"))
    for file in files:
        said = [line.removeprefix("# says: ") for line in file.read_text().splitlines() if line.startswith("# says: ")]
        found = wrong(read(file))
        missed += [f"{file.name}: nothing is said about: {words}" for words in said if not any(words in one for one in found)]
        missed += [] if said else [f"{file.name} names nothing that is wrong with it"]
    print(f"{len(files)} wrong templates, {len(missed)} faults missed")
    sys.exit("\n".join(missed) if missed or not files else 0)


main()
