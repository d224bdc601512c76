"""Long videos of a model of moving digits: what is still right at their end, and the memory they take.

Command: python benchmarks/long_video.py RUN [--frames 65] [--prompts 120] [--history-guidance 1 1.5 2]

Prints, per strength of history guidance and kind of prompt, the share of videos with the asked digit and colour in the
first 16 frames, and of those the share in the last 16, with Wilson's 95 % intervals; beside it what the judge says of
real clips. Then the largest resident set of `mutoscope generate` for 16 videos of this length and of the model's own,
each in a process of its own.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from mutoscope.evaluation.judge import train_judge
from mutoscope.evaluation.long_video import EDGE_FRAMES, LongVideo, long_video, right
from mutoscope.evaluation.prompts import prompts, real_clips
from mutoscope.pipeline import GenerateRequest, Pipeline, generate
from mutoscope.training.config import RunConfig

MEMORY_PROMPTS = 16  # videos at a time: a batch of the command line
MEASURED = """
import sys
from mutoscope.cli.main import main
from mutoscope.memory import peak_memory_mb
code = main(sys.argv[1:])
print("peak", peak_memory_mb())
sys.exit(code)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--frames", type=int, default=65)
    parser.add_argument("--prompts", type=int, default=120)
    parser.add_argument("--history-guidance", type=float, nargs="+", default=[1.0, 1.5, 2.0])
    arguments = parser.parse_args()
    data = RunConfig.model_validate(json.loads((arguments.run / "config.json").read_text())).data
    pipeline, judge = Pipeline.load(arguments.run), train_judge(data)
    asked = prompts(data, arguments.prompts)
    ceiling = right(real_clips(data, asked, seed=1)[:, :, :EDGE_FRAMES], asked, data, judge).float().mean().item()
    print(f"judge on real clips: {ceiling:.1%} of {len(asked)} right in {EDGE_FRAMES} frames")
    print(
        f"| history guidance | prompts | right in the first {EDGE_FRAMES} | of those in the last | of all in the last |"
    )
    print("|---|---|---|---|---|")
    for scale in arguments.history_guidance:
        sampling = pipeline.sampling(history_guidance=scale)

        def videos(texts: list[str], seeds: list[int], sampling=sampling):
            request = GenerateRequest(
                prompts=tuple(texts), seeds=tuple(seeds), num_frames=arguments.frames, sampling=sampling
            )
            return generate(pipeline.model, request)

        for kind in ("directions", "bouncing"):
            found = long_video(
                data, videos, judge, arguments.frames, num_prompts=arguments.prompts, bouncing=kind == "bouncing"
            )
            print(f"| {scale:g} | {kind} | {row(found)} |", flush=True)
    own = pipeline.model.config.num_frames
    short, long = (peak_mb(arguments.run, frames) for frames in (own, arguments.frames))
    print(f"memory, {MEMORY_PROMPTS} videos: {short:.0f} MB for {own} frames, {long:.0f} MB for {arguments.frames} "
          f"({long / short - 1:+.1%})")  # fmt: skip


def row(found: LongVideo) -> str:
    cells = (found.first, found.kept, found.last)
    return " | ".join(f"{m.value:.1%} ({m.low:.1%} to {m.high:.1%}, n={m.count})" for m in cells)


def peak_mb(run: Path, frames: int) -> float:
    """Of a fresh process that generates and writes a batch of videos."""
    texts = [f"a {colour} {digit} moving left" for digit in range(MEMORY_PROMPTS // 2) for colour in ("red", "blue")]
    with tempfile.TemporaryDirectory() as out:
        command = ["generate", *texts, "--frames", str(frames), "--model", str(run), "--out", out]
        done = subprocess.run([sys.executable, "-c", MEASURED, *command], capture_output=True, text=True, check=True)
    return float(done.stdout.rsplit("peak", 1)[1])


if __name__ == "__main__":
    main()
