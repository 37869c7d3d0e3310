"""Packs each function's binary as Lambda takes it: a zip with the one file `bootstrap`. The same binaries give the same bytes.

    zips.py BINARIES TO [FUNCTION…]
"""

import hashlib
import os
import sys
import zipfile
from pathlib import Path

FUNCTIONS = sorted(path.parent.parent.name for path in Path(__file__).parent.parent.glob("functions/*/src/main.rs"))


def main():
    binaries, to, only = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    to.mkdir(parents=True, exist_ok=True)
    sums = []
    functions = [name for name in FUNCTIONS if not only or name in only]
    for name in functions:
        entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
        entry.create_system, entry.external_attr, entry.compress_type = 3, 0o100755 << 16, zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(to / f"{name}.zip", "w") as package:
            package.writestr(entry, (binaries / name).read_bytes(), compresslevel=int(os.environ.get("ZIP_LEVEL", "9")))
        sums.append(f"{hashlib.sha256((to / f'{name}.zip').read_bytes()).hexdigest()}  {name}.zip\n")
    (to / "SHA256SUMS").write_text("".join(sums))
    print(f"{len(functions)} packages in {to}")


main()
