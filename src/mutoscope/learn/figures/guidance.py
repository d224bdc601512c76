"""Guidance scale.

The network guesses twice at every step, once with the prompt and once without, and goes further in the direction in
which they differ: scale 1 takes the guess with the prompt as it is, 0 the one without. All videos of a seed begin with
the same noise. Too little guidance, and the digit is not the one you asked for; too much, and its shape breaks up.
"""

from ...pipeline import Pipeline
from ..figure import Asked, Drawn, Position, Tell

SLIDER = "guidance scale"
ASKS = "prompt"
READ = ("3_latents_and_text", "Guidance: louder, please")
SCALES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0)
VIDEOS = 3
NOTES = {0.0: " Guidance rests in the last steps: only there is the prompt read.", 1.0: " No second guess is needed."}


def draw(pipeline: Pipeline, asked: Asked, tell: Tell) -> Drawn:
    """Videos of the prompt at every scale."""
    seeds = [asked.number + k for k in range(VIDEOS)]
    pipeline.model.reader.check([asked.prompt])
    positions: list[Position] = []
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    with pipeline.model.denoiser.register_forward_pre_hook(count):
        for scale in SCALES:
            calls = 0
            sampling = pipeline.sampling(guidance_scale=scale)
            videos = pipeline.generate_many([asked.prompt] * VIDEOS, seeds, sampling=sampling)
            positions.append(
                Position(
                    f"{scale:g}",
                    f"guess = without + {scale:g} · (with − without). {sampling.steps} steps asked the network {calls} "
                    f"times.{NOTES.get(scale, '')}",
                    tuple(videos),
                )
            )
            tell(len(positions), len(SCALES))
    captions = tuple(f"“{asked.prompt}”, seed {seed}" for seed in seeds)
    own = pipeline.model.config.sampling.guidance_scale
    return Drawn(captions, pipeline.model.config.fps, tuple(positions), begin=SCALES.index(own))
