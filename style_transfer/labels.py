"""Pictures side by side with their names, as one picture. The lessons do not need this file."""

from PIL import Image, ImageDraw, ImageFont

GAP = 12  # pixels between two pictures, and around all of them
SMALLEST_TEXT = 11  # height of the letters in pixels, at least
TEXT_SHARE = 0.05  # of the pictures' height, where that is more


def labeled_row(pictures: list[tuple[str, Image.Image]]) -> Image.Image:
    """Joins pictures in a row on white, each above its name, as high as the last one.

    A name that is longer than its picture is wide is shortened.
    """
    height = pictures[-1][1].height
    font = ImageFont.load_default(max(SMALLEST_TEXT, round(TEXT_SHARE * height)))
    scaled = []
    for name, picture in pictures:
        width = max(1, round(picture.width * height / picture.height))
        scaled.append((name, picture.resize((width, height), Image.Resampling.LANCZOS)))
    line = round(1.4 * font.size)  # from the top of a name to the end of its descenders
    width = sum(picture.width + GAP for _, picture in scaled) + GAP
    row = Image.new("RGB", (width, height + line + 2 * GAP), "white")
    draw = ImageDraw.Draw(row)
    left = GAP
    for name, picture in scaled:
        row.paste(picture, (left, GAP))
        words = shortened(draw, name, font, picture.width)
        middle = left + picture.width / 2
        draw.text((middle, GAP + height + line / 4), words, "black", font, anchor="ma")
        left += picture.width + GAP
    return row


def shortened(draw: ImageDraw.ImageDraw, line: str, font, width: int) -> str:
    """A line of text, shortened to so many pixels."""
    if draw.textlength(line, font) <= width:
        return line
    while line and draw.textlength(line + "...", font) > width:
        line = line[:-1]
    return line + "..."
