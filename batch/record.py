"""Record: the files of a folder of results: pictures, results.csv and a contact sheet."""

import csv
import hashlib
import io
import time
from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from batch.jobs import Job, default_settings, value_name
from batch.work import Painted
from style_transfer.display import encode_jpeg
from style_transfer.files import write_atomic
from style_transfer.labels import shortened
from style_transfer.settings import TERMS

TABLE = "results.csv"
SHEET = "contact_sheet.jpg"

THUMBNAIL = 160  # long side of a picture on the contact sheet, in pixels
GAP = 8  # between two pictures, in pixels
LABEL_LINES = 2
LINE = 14  # height of a line of a label, in pixels
MOST_ON_SHEET = 400  # more pictures than this would make a file that few programs open
SHEET_SECONDS = 5  # the contact sheet is written again after so long

COLUMNS = (
    "picture",
    "content",
    "style",
    *default_settings(),
    "evaluations",
    "loss",
    *(f"loss_{term}" for term in TERMS),
    "seconds",
    "threads",
    "device",
    "worker",
    "error",
    "content_sha256",
    "style_sha256",
    "fingerprint",
    "picture_sha256",
)


class Record:
    """The results in a folder. results.csv is written again after every job.

    Raises: ValueError if results.csv is no table of this program; OSError if it cannot be read.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.rows = {}  # file name of the picture -> row
        if (folder / TABLE).exists():
            self.rows = {row["picture"]: row for row in _read(folder / TABLE)}
        good = [row for row in self.rows.values() if not row["error"]]
        self.found = {row["fingerprint"]: row for row in good}  # those of earlier runs

    def find(self, job: Job) -> Path | None:
        """The finished picture of a job, or None: same settings, same inputs, file unharmed."""
        row = self.found.get(job.fingerprint)
        if row is None:
            return None
        path = self.folder / row["picture"]
        if path.is_file() and _sha256(path.read_bytes()) == row["picture_sha256"]:
            return path
        return None

    def keep(self, job: Job, painted: Painted) -> Path:
        """Writes the picture and its row in the table."""
        path = self.folder / f"{job.name}.png"
        write_atomic(path, (".png",), lambda part: part.write_bytes(painted.png))
        row = _job_columns(job, path.name)
        row["evaluations"] = painted.evaluations
        row["loss"] = f"{sum(painted.losses.values()):.6g}"
        for term, loss in painted.losses.items():
            row[f"loss_{term}"] = f"{loss:.6g}"
        row["seconds"] = f"{painted.seconds:.3f}"
        row["threads"] = painted.threads
        row["device"] = painted.device
        row["worker"] = painted.worker
        row["picture_sha256"] = _sha256(painted.png)
        self._add(row)
        return path

    def fail(self, job: Job, reason: str) -> None:
        """Writes a row with the reason why there is no picture."""
        row = _job_columns(job, f"{job.name}.png")
        row["error"] = reason
        self._add(row)

    def _add(self, row: dict) -> None:
        self.rows[row["picture"]] = row
        text = io.StringIO()
        table = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows.values())
        write_atomic(
            self.folder / TABLE,
            (".csv",),
            lambda part: part.write_text(text.getvalue(), encoding="utf-8"),
        )


def _job_columns(job: Job, picture: str) -> dict:
    row = {name: value_name(value) for name, value in job.settings.items() if value is not None}
    row["picture"] = picture
    row["content"] = str(job.content.path)
    row["style"] = str(job.style.path)
    row["content_sha256"] = job.content.sha256
    row["style_sha256"] = job.style.sha256
    row["fingerprint"] = job.fingerprint
    return row


def _read(path: Path) -> list[dict]:
    way_out = "move it away, or choose another folder"
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            table = csv.DictReader(stream)
            rows = list(table)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: is no table of results ({error}); {way_out}") from error
    lacking = {"picture", "fingerprint", "picture_sha256", "error"} - set(table.fieldnames or ())
    if lacking:
        raise ValueError(f"{path}: has no column {min(lacking)!r}; {way_out}")
    known = set(COLUMNS)
    return [{name: row[name] for name in row if name in known} for row in rows]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# ------------------------------------------------------------------------------ contact sheet


class Sheet:
    """A contact sheet of all jobs that fills as results come. It holds thumbnails only."""

    def __init__(self, path: Path, jobs: Iterable[Job], swept: list[str], columns: int):
        self.path = path
        self.columns = columns
        self.labels = {}
        self.thumbnails = {}
        self.written = time.monotonic()
        for job in list(jobs)[:MOST_ON_SHEET]:
            self.labels[job.fingerprint] = label(job, swept)

    def add(self, job: Job, picture: Path) -> None:
        """Adds the file of a finished picture, and now and then writes the sheet."""
        if job.fingerprint not in self.labels:
            return
        self.thumbnails[job.fingerprint] = thumbnail(picture.read_bytes())
        if time.monotonic() - self.written > SHEET_SECONDS:
            self.write()

    def write(self) -> None:
        """Writes the sheet as it is."""
        cells = {}
        for fingerprint, words in self.labels.items():
            cells[fingerprint] = (words, self.thumbnails.get(fingerprint))
        data = encode_jpeg(contact_sheet(list(cells.values()), self.columns))
        write_atomic(self.path, (".jpg",), lambda part: part.write_bytes(data))
        self.written = time.monotonic()


def label(job: Job, swept: list[str]) -> str:
    """A job in two lines: its two pictures, and the values of the swept settings."""
    values = [f"{name.replace('_', '-')} {value_name(job.settings[name])}" for name in swept]
    return f"{job.content.name}, {job.style.name}\n{', '.join(values)}"


def thumbnail(png: bytes) -> Image.Image:
    """A finished picture at the size of a contact sheet, from the bytes of its file."""
    with Image.open(io.BytesIO(png)) as picture:
        return ImageOps.contain(picture.convert("RGB"), (THUMBNAIL, THUMBNAIL))


def contact_sheet(cells: list[tuple[str, Image.Image | None]], columns: int) -> Image.Image:
    """Small pictures in rows with their labels; a gray field stands for one that is not there."""
    shapes = [picture.size for _, picture in cells if picture is not None]
    tallest = max((height for _, height in shapes), default=THUMBNAIL)
    width = THUMBNAIL + GAP
    height = tallest + LABEL_LINES * LINE + GAP
    rows = -(-len(cells) // columns)  # rounded up
    sheet = Image.new("RGB", (columns * width, rows * height), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(11)
    for place, (words, picture) in enumerate(cells):
        left = place % columns * width + GAP // 2
        top = place // columns * height + GAP // 2
        if picture is None:
            draw.rectangle((left, top, left + THUMBNAIL - 1, top + tallest - 1), "gainsboro")
        else:
            below = top + tallest - picture.height  # pictures stand on their labels
            sheet.paste(picture, (left + (THUMBNAIL - picture.width) // 2, below))
        for number, line in enumerate(words.splitlines()[:LABEL_LINES]):
            at = (left, top + tallest + number * LINE)
            draw.text(at, shortened(draw, line, font, THUMBNAIL), "black", font)
    return sheet
