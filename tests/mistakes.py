"""The commonest wrong attempts at each exercise. Each is refused by its check, with a hint of its own."""

MISTAKES = {
    # ---------------------------------------------------------------- 00_preview
    "share_of_a_term": [
        "def share(losses, term): return losses[term]",
        "def share(losses, term): return losses[term] / (sum(losses.values()) - losses[term])",
        "def share(losses, term):\n    total = sum(losses.values())\n    return losses[term] / total if total else float('nan')",
    ],
    "forecast_of_time": [
        "def forecast(s, a, n, b, m): return s * (b / a) * m / n",
        "def forecast(s, a, n, b, m): return s * (b / a) ** 2",
        "def forecast(s, a, n, b, m): return s * max(b / a, 1) ** 2 * m / n",
    ],
}
