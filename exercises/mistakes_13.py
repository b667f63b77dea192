"""Common wrong answers to the exercises of lesson 13. Each gets a hint of its own."""

import torch

import helpers as nst
from batch import work

NETWORK = nst.VGG19()  # as the notebook's `vgg`


def run_of(settings, photo, painting, **changes):
    """A right run, which the wrong answers below change."""
    network, kept = work.network(settings)
    options = {
        "vgg": network,
        "kept": kept,
        "weights": nst.Weights(style=settings["style_weight"]),
        "evaluations": settings["steps"],
        "start": settings["start"],
        "generator": torch.Generator().manual_seed(settings["seed"]),
    }
    return nst.stylize(
        torch.from_numpy(photo).float() / 255,
        torch.from_numpy(painting).float() / 255,
        **(options | changes),
    )


def as_bytes(image):
    return (image * 255).round().byte().cpu().numpy()


def task_with_the_network_of_the_notebook(settings, photo, painting):
    *_, last = run_of(settings, photo, painting, vgg=NETWORK)
    return as_bytes(last.image)


def task_with_a_new_network_each_time(settings, photo, painting):
    *_, last = run_of(settings, photo, painting, vgg=nst.VGG19())
    return as_bytes(last.image)


def task_that_keeps_no_grams(settings, photo, painting):
    *_, last = run_of(settings, photo, painting, kept=None)
    return as_bytes(last.image)


def task_with_the_default_weights(settings, photo, painting):
    *_, last = run_of(settings, photo, painting, weights=nst.Weights())
    return as_bytes(last.image)


def task_with_three_evaluations(settings, photo, painting):
    *_, last = run_of(settings, photo, painting, evaluations=3)
    return as_bytes(last.image)


def task_from_noise_alone(settings, photo, painting):
    *_, last = run_of(settings, photo, painting, start="noise")
    return as_bytes(last.image)


def task_from_the_recolored_photograph(settings, photo, painting):
    *_, last = run_of(settings, photo, painting, start="recolored")
    return as_bytes(last.image)


def task_with_seed_zero(settings, photo, painting):
    *_, last = run_of(settings, photo, painting, generator=torch.Generator().manual_seed(0))
    return as_bytes(last.image)


def task_with_the_global_generator(settings, photo, painting):
    *_, last = run_of(settings, photo, painting, generator=None)
    return as_bytes(last.image)


def task_that_seeds_the_global_generator(settings, photo, painting):
    generator = nst.seed(settings["seed"])
    *_, last = run_of(settings, photo, painting, generator=generator)
    return as_bytes(last.image)


def task_that_returns_the_first_image(settings, photo, painting):
    first, *_ = run_of(settings, photo, painting)
    return as_bytes(first.image)


def task_that_returns_all_snapshots(settings, photo, painting):
    return list(run_of(settings, photo, painting))


def task_that_returns_the_snapshot(settings, photo, painting):
    *_, last = run_of(settings, photo, painting)
    return last


def task_that_returns_floats(settings, photo, painting):
    *_, last = run_of(settings, photo, painting)
    return last.image.numpy()


def task_that_returns_a_tensor(settings, photo, painting):
    *_, last = run_of(settings, photo, painting)
    return (last.image * 255).round().byte()


def task_that_cuts_the_decimals_off(settings, photo, painting):
    *_, last = run_of(settings, photo, painting)
    return (last.image * 255).byte().cpu().numpy()


def task_that_changes_the_settings(settings, photo, painting):
    *_, last = run_of(settings, photo, painting)
    settings.pop("style_weight")
    return as_bytes(last.image)


def task_with_the_pictures_exchanged(settings, photo, painting):
    *_, last = run_of(settings, painting, photo)
    return as_bytes(last.image)


def task_without_a_return(settings, photo, painting):
    list(run_of(settings, photo, painting))


def missing(wanted, rows):
    """The right answer, which the wrong ones below change."""
    done = {row["fingerprint"] for row in rows if not row["error"]}
    return [mark for mark in dict.fromkeys(wanted) if mark not in done]


def missing_by_counting(wanted, rows):
    return wanted[len(rows) :]


def missing_without_the_failed(wanted, rows):
    done = {row["fingerprint"] for row in rows}
    return [mark for mark in dict.fromkeys(wanted) if mark not in done]


def missing_twice(wanted, rows):
    done = {row["fingerprint"] for row in rows if not row["error"]}
    return [mark for mark in wanted if mark not in done]


def missing_by_the_last_row(wanted, rows):
    errors = {row["fingerprint"]: row["error"] for row in rows}
    return [mark for mark in dict.fromkeys(wanted) if errors.get(mark, "never made")]


def missing_as_what_is_done(wanted, rows):
    done = {row["fingerprint"] for row in rows if not row["error"]}
    return [mark for mark in dict.fromkeys(wanted) if mark in done]


def missing_in_alphabetical_order(wanted, rows):
    return sorted(missing(wanted, rows))


def missing_as_a_set(wanted, rows):
    return set(missing(wanted, rows))


def missing_by_removing(wanted, rows):
    for row in rows:
        if row["fingerprint"] in wanted and not row["error"]:
            wanted.remove(row["fingerprint"])
    return list(dict.fromkeys(wanted))


def missing_without_a_return(wanted, rows):
    missing(wanted, rows)


def needed(pictures, seconds, serial, limit):
    """The right answer, which the wrong ones below change."""
    for workers in range(1, pictures + 1):
        if max(-(-pictures // workers) * seconds, pictures * serial) <= limit:
            return workers
    return None


def needed_without_rounding(pictures, seconds, serial, limit):
    for workers in range(1, pictures + 1):
        if max(pictures / workers * seconds, pictures * serial) <= limit:
            return workers
    return None


def needed_rounded_down(pictures, seconds, serial, limit):
    for workers in range(1, pictures + 1):
        if max(pictures // workers * seconds, pictures * serial) <= limit:
            return workers
    return None


def needed_without_the_serial_part(pictures, seconds, serial, limit):
    return needed(pictures, seconds, 0.0, limit)


def needed_with_the_serial_part_in_each_picture(pictures, seconds, serial, limit):
    return needed(pictures, seconds + serial, 0.0, limit)


def needed_for_less_than_the_limit(pictures, seconds, serial, limit):
    for workers in range(1, pictures + 1):
        if max(-(-pictures // workers) * seconds, pictures * serial) < limit:
            return workers
    return None


def needed_without_one_for_each(pictures, seconds, serial, limit):
    for workers in range(1, pictures):
        if max(-(-pictures // workers) * seconds, pictures * serial) <= limit:
            return workers
    return None


def needed_as_a_place(pictures, seconds, serial, limit):
    found = needed(pictures, seconds, serial, limit)
    return None if found is None else found - 1


def needed_as_one_for_each(pictures, seconds, serial, limit):
    return None if needed(pictures, seconds, serial, limit) is None else pictures


def needed_as_zero_if_impossible(pictures, seconds, serial, limit):
    return needed(pictures, seconds, serial, limit) or 0


def needed_up_to_1000(pictures, seconds, serial, limit):
    for workers in range(1, 1001):
        if max(-(-pictures // workers) * seconds, pictures * serial) <= limit:
            return workers
    return None


def needed_by_whole_rounds(pictures, seconds, serial, limit):
    if seconds > limit or pictures * serial > limit:
        return None
    return -(-pictures // int(limit // seconds))


def needed_with_the_serial_part_added(pictures, seconds, serial, limit):
    for workers in range(1, pictures + 1):
        if -(-pictures // workers) * seconds + pictures * serial <= limit:
            return workers
    return None


def needed_as_a_float(pictures, seconds, serial, limit):
    found = needed(pictures, seconds, serial, limit)
    return None if found is None else float(found)


MISTAKES = {
    "task": [
        task_with_the_network_of_the_notebook,
        task_with_a_new_network_each_time,
        task_that_keeps_no_grams,
        task_with_the_default_weights,
        task_with_three_evaluations,
        task_from_noise_alone,
        task_from_the_recolored_photograph,
        task_with_seed_zero,
        task_with_the_global_generator,
        task_that_seeds_the_global_generator,
        task_that_returns_the_first_image,
        task_that_returns_all_snapshots,
        task_that_returns_the_snapshot,
        task_that_returns_floats,
        task_that_returns_a_tensor,
        task_that_cuts_the_decimals_off,
        task_that_changes_the_settings,
        task_with_the_pictures_exchanged,
        task_without_a_return,
    ],
    "missing": [
        missing_by_counting,
        missing_without_the_failed,
        missing_twice,
        missing_by_the_last_row,
        missing_as_what_is_done,
        missing_in_alphabetical_order,
        missing_as_a_set,
        missing_by_removing,
        missing_without_a_return,
    ],
    "workers_needed": [
        needed_without_rounding,
        needed_rounded_down,
        needed_without_the_serial_part,
        needed_with_the_serial_part_in_each_picture,
        needed_for_less_than_the_limit,
        needed_without_one_for_each,
        needed_as_a_place,
        needed_as_one_for_each,
        needed_as_zero_if_impossible,
        needed_up_to_1000,
        needed_by_whole_rounds,
        needed_with_the_serial_part_added,
        needed_as_a_float,
    ],
}
