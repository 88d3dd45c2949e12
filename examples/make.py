"""Trains every example again and writes models, held-out rows, requests, metric tables and manifest.json.

    python3.11 -m venv examples/.venv && examples/.venv/bin/pip install -r examples/requirements.txt
    examples/.venv/bin/python examples/make.py

Deterministic: fixed seeds, one thread; the metrics come out the same on every run.
"""

import json

from threadpoolctl import threadpool_limits

import logistics.train
import medicine.train
import vision.train
from exports import FOLDER, publish


def main() -> None:
    entries = []
    for module in (medicine.train, logistics.train, vision.train):
        entry = publish(module.make())
        entries.append(entry)
        for version in entry["versions"]:
            size = (FOLDER / version["file"]).stat().st_size
            print(f"{version['file']:32} {size:>8} bytes  {version['provenance']['metrics']}")
    (FOLDER / "manifest.json").write_text(json.dumps({"examples": entries}, indent=2) + "\n")


if __name__ == "__main__":
    # More threads would add floating-point sums in another order.
    with threadpool_limits(limits=1):
        main()
