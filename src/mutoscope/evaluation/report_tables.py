"""The numbers of a report as HTML: tiles, the quality table, distances, what it cost."""

from html import escape

from ..words import duration
from .clips_result import ClipsEvaluation
from .clips_tables import clips_section, clips_tiles
from .html_table import (
    NONE,
    SHARE_HEADINGS,
    cells_of,
    count,
    decimals,
    of_ceiling,
    percent,
    percent_or_none,
    plain_row,
    row,
    share_row,
    table,
    with_interval,
)
from .result import FVD, Adherence, Distance, Evaluation, Measured, Memorisation, SeedSpread

ROWS = {
    "all_correct": ("Everything correct", "identity, colour and direction in one video"),
    "identity": ("Identity", "the asked digit or shape, by majority over the frames"),
    "colour": ("Colour", "nearest colour of the palette"),
    "direction": ("Direction", "tracked over the whole clip"),
    "frame_identity": ("Identity per frame", "share of frames with the asked label"),
    "persistence": ("Persistence", "one label in at least 90 % of the frames"),
    "area": ("Area", "within 15 % of the true one in every frame"),
}
COMPARED = ("all_correct", "identity", "colour", "direction", "persistence", "area")
DISTANCES = {"frechet": "Fréchet distance", "kernel": "Polynomial-kernel MMD"}


def tiles(evaluation: Evaluation | ClipsEvaluation | None, summary: dict) -> str:
    """The few numbers that sum up a run."""
    shown = []
    if isinstance(evaluation, ClipsEvaluation):
        shown += clips_tiles(evaluation)
    elif evaluation is not None and "all" in evaluation.adherence:
        shown += _adherence_tiles(evaluation)
    seconds = sum(stage.get("seconds", 0) for stage in summary.get("stages", {}).values())
    if seconds:
        shown.append(("training time", duration(seconds), f"{len(summary['stages'])} stages"))
    cells = [f"<div><dt>{escape(a)}</dt><dd>{escape(b)}</dd><dd>{escape(c)}</dd></div>" for a, b, c in shown]
    return f'<dl class="tiles">{"".join(cells)}</dl>' if cells else ""


def _adherence_tiles(evaluation: Evaluation) -> list[tuple[str, str, str]]:
    found = evaluation.adherence["all"]
    told = {
        "prompts followed completely": found.all_correct,
        "right digit or shape": found.identity,
        "right direction": found.direction,
        "right size throughout": found.area,
    }
    shown = [(name, percent(m.value), of_ceiling(m)) for name, m in told.items() if m is not None]
    if evaluation.reconstruction is not None:
        decibel = evaluation.reconstruction.psnr
        shown.append(("reconstruction PSNR", f"{decibel.value:.1f} dB", f"empty clip {decibel.floor or 0:.1f} dB"))
    return shown


def measurement_section(evaluation: Evaluation | ClipsEvaluation | None) -> str:
    """Quality tables with ceilings and floors, and how each number was made."""
    if isinstance(evaluation, ClipsEvaluation):
        return clips_section(evaluation)
    if evaluation is None:
        return '<p class="quiet">Not evaluated yet.</p>'
    parts = [_adherence_table(evaluation), _group_table(evaluation)]
    if evaluation.over_seeds is not None:
        parts.append(_seed_table(evaluation.over_seeds))
    if evaluation.memorisation is not None:
        parts.append(_memorisation_table(evaluation.memorisation))
    if evaluation.reconstruction is not None:
        parts.append(_reconstruction_table(evaluation))
    parts.append(_distance_table(evaluation))
    if evaluation.fvd is not None:
        parts.append(_fvd_table(evaluation.fvd))
    parts.append(_how(evaluation))
    return "".join(parts)


def _adherence_table(evaluation: Evaluation) -> str:
    found, rows = evaluation.adherence["all"], []
    for name, (label, note) in ROWS.items():
        measured: Measured | None = getattr(found, name)
        if measured is not None:
            rows.append(share_row(label, note, measured))
    if found.area_error is not None:
        rows.append(plain_row("Area error", "mean over all frames", cells_of(found.area_error, percent_or_none)))
    if found.speed_error is not None:
        note = "pixels per frame, where a speed was asked"
        rows.append(plain_row("Speed error", note, cells_of(found.speed_error, decimals)))
    note = "share of frames with nothing bright in them"
    rows.append(plain_row("Blank frames", note, cells_of(found.blank, percent_or_none)))
    if evaluation.flicker is not None:
        note = "change of the background per frame, of 255; floor: noise"
        rows.append(plain_row("Flicker", note, cells_of(evaluation.flicker, decimals)))
    videos = f"<small>{found.all_correct.count} videos</small>"
    return table(f"What was asked for is what is seen {videos}", SHARE_HEADINGS, rows)


def _group_table(evaluation: Evaluation) -> str:
    """Combinations seen and never seen, beside the autoencoder's limit, the ceiling and the floor."""
    everyone = evaluation.adherence["all"]
    names = [name for name in COMPARED if getattr(everyone, name) is not None]
    headings = ("Videos", *(ROWS[name][0] for name in names))
    groups = {"All videos": everyone}
    if "held_out" in evaluation.adherence:
        words = {"seen": "Combinations seen in training", "held_out": "Combinations never seen in training"}
        groups = {words[key]: evaluation.adherence[key] for key in words if key in evaluation.adherence}
    if evaluation.reconstruction is not None:
        groups["Real clips through the autoencoder"] = evaluation.reconstruction.adherence
    rows = [
        row(title, f"{group.all_correct.count} videos", tuple(_part(group, name) for name in names), headings)
        for title, group in groups.items()
    ]
    floor = "other prompts; spliced clips" if everyone.area is None else "other prompts; a tenth smaller"
    for title, note, end in (("Ceiling", "real clips", "ceiling"), ("Floor", floor, "floor")):
        cells = tuple(percent_or_none(getattr(getattr(everyone, name), end)) for name in names)
        rows.append(row(title, note, cells, headings))
    return table("In parts", headings, rows)


def _part(group: Adherence, name: str) -> str:
    measured: Measured | None = getattr(group, name)
    return NONE if measured is None else with_interval(measured)


def _seed_table(spreads: dict[str, SeedSpread]) -> str:
    headings = ("Over seeds", "Mean", "Standard deviation", "Each")
    rows = []
    for name, spread in spreads.items():
        each = ", ".join(percent(value) for value in spread.values)
        cells = (f"{100 * spread.mean:.1f} %", f"{100 * spread.deviation:.1f} %", each)
        rows.append(row(ROWS[name][0], "", cells, headings))
    return table(
        f"The same prompts again <small>{len(next(iter(spreads.values())).values)} seeds</small>", headings, rows
    )


def _memorisation_table(found: Memorisation) -> str:
    headings = ("Distance to the nearest training clip", "Videos", "Real unseen clips", "Training clips themselves")
    near = f"nearer than {found.limit:.3f}, as the nearest 1 % of other unseen clips are"
    if found.blind:
        near += '; <span class="bad">void: copies are not found through this autoencoder</span>'
    rows = [
        row("Copies", near, cells_of(found.copied, percent_or_none), headings, raw_note=True),
        row("Median distance", "pixel RMS, data range 2", cells_of(found.distance, decimals), headings),
    ]
    pairs = "; ".join(f"video {p.video + 1} and clip {p.training_clip} ({p.distance:.3f})" for p in found.nearest)
    distances = table(f"Memorisation <small>{found.training_clips} training clips looked at</small>", headings, rows)
    return f'{distances}<p class="quiet">Nearest pairs: {pairs}; clips of split train, seed {found.training_seed}.</p>'


def _fvd_table(found: FVD) -> str:
    headings = ("Fréchet video distance", "Generated", "Real")
    note = f"I3D file {found.detector}; compares only at the same file, clips and frames"
    cells = (f"{found.generated:.1f}", f"{found.real:.1f}")
    return table(f"FVD <small>{escape(found.protocol)}</small>", headings, [row(found.protocol, note, cells, headings)])


def _reconstruction_table(evaluation: Evaluation) -> str:
    assert evaluation.reconstruction is not None
    decibel, similarity = evaluation.reconstruction.psnr, evaluation.reconstruction.ssim
    headings = ("Measure", "Value", "Equal frames", "Empty clip")
    rows = [
        row("PSNR", "dB per frame, data range 2", (f"{decibel.value:.2f}", "∞", f"{decibel.floor or 0:.2f}"), headings),
        row("SSIM", "per frame", (f"{similarity.value:.4f}", "1", f"{similarity.floor or 0:.4f}"), headings),
    ]
    return table(f"Autoencoder, frame by frame <small>{decibel.count} unseen frames</small>", headings, rows)


def _distance_table(evaluation: Evaluation) -> str:
    headings = ("Distance from real clips", "Generated", "Real", "Through autoencoder", "Shuffled frames", "Static")
    rows = []
    for name, found in evaluation.distance.items():
        values = (found.generated, found.real, found.reconstructed, found.shuffled, found.static)
        cells = tuple(NONE if value is None else f"{value:.3g}".replace("-", "−") for value in values)
        rows.append(row(DISTANCES.get(name, name), _verdict(found), cells, headings, raw_note=True))
    return table(f"Distance of the distributions <small>{evaluation.num_prompts} clips each</small>", headings, rows)


def _verdict(found: Distance) -> str:
    if found.void:
        return f'<span class="bad">void: {escape(found.void_because)}</span>'
    return '<span class="good">punishes both controls</span>'


def _how(evaluation: Evaluation) -> str:
    controls = evaluation.controls
    failing = "; ".join(
        f"{escape(name.replace('_', ' '))} {percent(found.all_correct.value)}" for name, found in controls.items()
    )
    return (
        "<details><summary>How this was measured</summary><p>Each video is judged against its prompt by programs that "
        f"know nothing of the model. {_identity_words(evaluation)}Direction and speed: the centroid of what is bright, "
        "a straight line through it. Colour: the nearest of the palette. Flicker: what changes away from the tracked "
        "sprite.</p><p>Ceiling: the same judge on real clips that show exactly what was asked. Floor: the same clips "
        "against other prompts, which is chance; for persistence, clips spliced half way; for area, clips a tenth "
        "smaller; for flicker, clips with noise. Dashed in the plots: real clips. Intervals "
        "are Wilson’s for shares.</p><p>Real clips spoiled on purpose, everything correct in: "
        f"{failing}.</p><p>Distances are taken in features of a small video network trained on the real clips "
        f"(weights <code>{escape(evaluation.features)}</code>); they compare only with numbers from the same weights. "
        "A distance that does not put shuffled and static clips clearly further away than real ones is "
        f"void.</p><p>Protocol <code>{escape(evaluation.protocol)}</code>, {evaluation.num_prompts} prompts, "
        f"seed {evaluation.seed}.</p></details>"
    )


def _identity_words(evaluation: Evaluation) -> str:
    """Nothing where there is one identity."""
    judge = evaluation.judge
    if evaluation.adherence["all"].identity is None:
        return ""
    return (
        f"Identity: a small classifier trained on the real drawings, right on {judge.accuracy:.1%} of {judge.drawings} "
        f"drawings it never saw (weights <code>{escape(judge.fingerprint)}</code>). "
    )


def cost_table(summary: dict) -> str:
    """Time, steps and weights per stage, and the most memory used."""
    stages = summary.get("stages", {})
    if not stages:
        return '<p class="quiet">No summary was written.</p>'
    headings = ("Stage", "Time", "Steps", "Time per step", "Parameters")
    rows = []
    for name, stage in stages.items():
        seconds, steps, parameters = stage.get("seconds"), stage.get("steps"), stage.get("parameters")
        each = NONE if not seconds or not steps else f"{1000 * seconds / steps:.0f} ms"
        cells = (
            NONE if seconds is None else duration(seconds),
            NONE if steps is None else f"{steps:,}",
            each,
            NONE if parameters is None else count(parameters),
        )
        rows.append(row(escape(str(name)), "", cells, headings))
    memory = summary.get("peak_memory_mb")
    notes = [] if memory is None else [f"Most memory in use: {memory:,.0f} MB."]
    if ratio := stages.get("vae", {}).get("compression"):
        notes.append(f"The latents hold one number for every {ratio:.3g} of the frames.")
    note = f'<p class="quiet">{" ".join(notes)}</p>' if notes else ""
    return table("", headings, rows) + note
