"""Where a word is read.

While a video is made, every place of it shares out its attention among the words. Choose a word: hot is where it is
read most, in the first, the middle and the last third of the steps. It says where a word is read, not what for; and
most of the attention goes to the marks before and behind the prompt, where a place looks that wants nothing.
"""

import numpy as np
import torch
from torch import Tensor

from ...denoisers.word_attention import WordAttention
from ...evaluation.word_heat import overlay
from ...pipeline import GenerateRequest, Pipeline
from ...vae.model import frame_places
from ..figure import Asked, Drawn, Position, Tell

SLIDER = "word"
ASKS = "prompt"
READ = ("3_latents_and_text", "Words that are read")
PARTS = 3
SCALE = 3  # pixels of a picture per pixel of the video, so that heat can be smooth


def draw(pipeline: Pipeline, asked: Asked, tell: Tell) -> Drawn:
    """A video of the prompt under the heat of each word."""
    model, sampling = pipeline.model, pipeline.sampling()
    request = GenerateRequest(prompts=(asked.prompt,), seeds=(asked.number,), sampling=sampling)
    model.reader.check([asked.prompt])
    with torch.no_grad():
        tokens = model.context([asked.prompt]).tokens
    with WordAttention(model.denoiser, tokens) as seen:
        seen.group = 0

        def on_step(done: int, total: int, estimate: Tensor) -> None:
            seen.group = done * PARTS // total
            tell(done, total)

        video = np.concatenate([piece for (piece,) in pipeline.stream(request, on_step=on_step)])
    parts = [seen.maps([part])[0] for part in range(PARTS)]  # (f, h, w, token) each
    places = frame_places(model.config.vae, len(video))
    positions = []
    for word, numbers in model.reader.words(asked.prompt):
        heats = [part[..., numbers].sum(-1) for part in parts]
        low, high = min(float(heat.min()) for heat in heats), max(float(heat.max()) for heat in heats)
        share, over_time = torch.stack(heats).mean(), torch.stack(heats).mean((0, 2, 3)).tolist()
        shown = [overlay(video, (heat[places] - low) / max(high - low, 1e-6), SCALE) for heat in heats]
        positions.append(
            Position(
                word or "(start and end marks)",
                f"{100 * share:.1f} % of all attention. By latent frame: "
                f"{', '.join(f'{100 * part:.1f}' for part in over_time)} %.",
                (video, *shown),
            )
        )
    captions = ("the video", "first third of the steps", "second third", "last third")
    named = [k for k, position in enumerate(positions) if position.value in asked.prompt.lower().split()[-3:]]
    return Drawn(captions, model.config.fps, tuple(positions), begin=named[0] if named else 0)
