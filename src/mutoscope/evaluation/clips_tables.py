"""The numbers of a model of one's own clips as HTML: tiles and tables."""

from html import escape

from .clips_result import ClipsEvaluation, Continuation, FrameQuality
from .html_table import NONE, of_ceiling, percent, row, share_row, table
from .html_table import SHARE_HEADINGS as HEADINGS
from .result import Measured

MOST_CONFUSED = 8


def clips_tiles(evaluation: ClipsEvaluation) -> list[tuple[str, str, str]]:
    """Name, value and a word about it, of the few numbers that sum up a run."""
    shown = []
    if evaluation.followed is not None:
        shown.append(
            ("nearest to a clip of the prompt", percent(evaluation.followed.value), of_ceiling(evaluation.followed))
        )
    quality, which = evaluation.unseen or evaluation.trained, "never trained on" if evaluation.unseen else "trained on"
    shown.append((f"reconstruction PSNR, {which}", f"{quality.psnr.value:.1f} dB", _plain(quality.psnr)))
    if (found := evaluation.continuation) is not None:
        shown.append((f"{found.frames} frames further", f"{found.psnr.value:.1f} dB", _still(found)))
    return shown


def clips_section(evaluation: ClipsEvaluation) -> str:
    """The tables, what is missing, and how each number was made."""
    parts = []
    if evaluation.followed is not None:
        note = f"the nearest training clip, in latents, has the asked caption; {evaluation.num_captions} captions"
        title = f"What was asked for <small>{evaluation.num_prompts} videos</small>"
        parts.append(table(title, HEADINGS, [share_row("Right caption", note, evaluation.followed)]))
        parts.append(_confused(evaluation))
    parts.append(_quality_table(evaluation))
    if evaluation.continuation is not None:
        parts.append(_continuation_table(evaluation.continuation))
    parts += [f'<p class="quiet">Not measured: {escape(why)}.</p>' for why in evaluation.missing]
    return "".join(parts) + _how(evaluation)


def _plain(measured: Measured) -> str:
    return f"average colour {measured.floor or 0:.1f} dB"


def _still(found: Continuation) -> str:
    return f"last frame repeated {found.psnr.floor or 0:.1f} dB"


def _confused(evaluation: ClipsEvaluation) -> str:
    wrong = [clip for clip in evaluation.clips if not clip.correct]
    if not wrong:
        return ""
    told = "; ".join(f"“{escape(c.prompt)}” looks like “{escape(c.nearest)}”" for c in wrong[:MOST_CONFUSED])
    more = f"; and {len(wrong) - MOST_CONFUSED} more" if len(wrong) > MOST_CONFUSED else ""
    return f'<p class="quiet">Taken for another: {told}{more}.</p>'


def _quality_table(evaluation: ClipsEvaluation) -> str:
    headings = ("Autoencoder, per frame", "PSNR", "Average colour", "SSIM", "Average colour")
    rows = [_quality_row("Training clips", evaluation.trained, headings)]
    if evaluation.unseen is not None:
        rows.insert(0, _quality_row("Clips never trained on", evaluation.unseen, headings))
    return table("Through the autoencoder", headings, rows)


def _quality_row(label: str, found: FrameQuality, headings: tuple[str, ...]) -> str:
    note = f"{found.psnr.count} frames, {found.frames_per_clip} per clip"
    decibel = (f"{found.psnr.value:.2f} dB", f"{found.psnr.floor or 0:.2f} dB")
    return row(label, note, (*decibel, f"{found.ssim.value:.3f}", f"{found.ssim.floor or 0:.3f}"), headings)


def _continuation_table(found: Continuation) -> str:
    headings = (
        "Clips never trained on, continued",
        "Continued",
        "Last frame repeated",
        "Real, through the autoencoder",
    )
    rows = [
        _pair("PSNR", "dB of the mean squared error over all frames", found.psnr, headings),
        _pair("PSNR per frame", "mean of the dB of each frame: quiet ones weigh more", found.frame_psnr, headings),
        _pair("Fréchet distance", "from the real frames; smaller is better", found.frechet, headings),
    ]
    title = f"Going on <small>{found.clips} clips, {found.frames} frames after {found.given} given ones</small>"
    return table(title, headings, rows)


def _pair(label: str, note: str, found: Measured, headings: tuple[str, ...]) -> str:
    cells = tuple(NONE if value is None else f"{value:.2f}" for value in (found.value, found.floor, found.ceiling))
    return row(label, note, cells, headings)


def _how(evaluation: ClipsEvaluation) -> str:
    return (
        "<details><summary>How this was measured</summary><p>Nobody knows what is in clips of one’s own but their "
        "captions. So every video is encoded by the model’s own autoencoder, and the nearest stretch of any training "
        "clip is looked up (RMS difference of normalised latents): it should have the caption that was asked for. "
        "Ceiling: other stretches of the training clips. Floor: the videos of other prompts. It says that a video is "
        "of the right kind, and nothing about how new it is: with few clips per caption a good model remembers them."
        "</p><p>Continuations are compared with what really came next, and with the last given frame standing still. "
        f"Protocol <code>{escape(evaluation.protocol)}</code>, seed {evaluation.seed}.</p></details>"
    )
