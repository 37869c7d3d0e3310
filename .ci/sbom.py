"""The bill of materials of a release in CycloneDX 1.5: every crate that is linked into it, with licence and checksum, as Cargo.lock has them.

    sbom.py TRIPLE TO

The same lock file gives the same bytes: there is no time and no random number in it.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RELEASED = {"guerdon", *(path.parent.parent.name for path in ROOT.glob("functions/*/src/main.rs"))}


def linked(metadata):
    """The ids of all packages that a released one links; what only builds or tests it is left out."""
    edges = {node["id"]: node["deps"] for node in metadata["resolve"]["nodes"]}
    found, left = set(), [package["id"] for package in metadata["packages"] if package["name"] in RELEASED and package["source"] is None]
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += [edge["pkg"] for edge in edges[one] if any(kind["kind"] is None for kind in edge["dep_kinds"])]
    return found


def component(package, checksums):
    name, version = package["name"], package["version"]
    one = {"type": "library", "bom-ref": f"{name}@{version}", "name": name, "version": version}
    if package["source"]:
        one["purl"] = f"pkg:cargo/{name}@{version}"
    if package.get("license"):
        one["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if (name, version) in checksums:
        one["hashes"] = [{"alg": "SHA-256", "content": checksums[name, version]}]
    return one


def main():
    triple, to = sys.argv[1:]
    asked = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", triple]
    metadata = json.loads(subprocess.run(asked, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    checksums = {(one["name"], one["version"]): one["checksum"] for one in lock["package"] if "checksum" in one}
    ids = linked(metadata)
    packages = sorted((one for one in metadata["packages"] if one["id"] in ids), key=lambda one: (one["name"], one["version"]))
    version = next(one["version"] for one in packages if one["name"] == "guerdon")
    bill = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {"component": {"type": "application", "bom-ref": "release", "name": "guerdon", "version": version}},
        "components": [component(one, checksums) for one in packages],
        "dependencies": [{"ref": "release", "dependsOn": [f"{one['name']}@{one['version']}" for one in packages]}],
    }
    Path(to).write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n")
    print(f"{len(packages)} crates in {to}")


main()
