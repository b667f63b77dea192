"""The checks of lesson 00, Preview."""

from exercises.checking import exercise, expect


@exercise
def share_of_a_term(share):
    """Exercise 1: the share of one term in the sum of the losses."""
    losses = {"content": 0.3, "style": 0.9}
    expect(
        "the share of style in content 0.3, style 0.9",
        share(losses, "style"),
        0.75,
        "Divide the term by the sum of all terms. The sum includes the term itself.",
    )
    expect(
        "the share of content in content 0.3, style 0.9",
        share(losses, "content"),
        0.25,
        "The shares of all terms add up to 1.",
    )
    expect(
        "the share of style if all terms are 0",
        share({"content": 0.0, "style": 0.0}, "style"),
        0.0,
        "A run that starts at its target has a loss of 0. Test the sum before you divide by it.",
    )


@exercise
def forecast_of_time(forecast):
    """Exercise 2: the time for another size and another number of evaluations."""
    expect(
        "10 s at 256 px, forecast for 512 px and as many evaluations",
        forecast(10.0, 256, 200, 512, 200),
        40.0,
        "The time is proportional to the number of pixels. Twice the long side is four times as "
        "many pixels.",
    )
    expect(
        "10 s for 200 evaluations, forecast for 300",
        forecast(10.0, 256, 200, 256, 300),
        15.0,
        "Every evaluation takes the same time, so 1.5 times the evaluations take 1.5 times as "
        "long.",
    )
    expect(
        "10 s at 512 px, forecast for 256 px and half the evaluations",
        forecast(10.0, 512, 200, 256, 100),
        1.25,
        "Both factors count, and smaller pictures take less time.",
    )
