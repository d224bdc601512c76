"""Do prompts that are worded as no caption of training get what they ask for? Two text encoders side by side.

Command: python benchmarks/paraphrases.py runs/demo runs/demo_minilm [--prompts 240] [--seed 0]
Needs:   both runs, trained on the same sprites: mutoscope train demo; mutoscope train demo_minilm

The same combinations and seeds are asked for in three ways: in the phrasings of training; in new sentences, whose
colours and directions are words of training; and in new words for colour, direction and speed. Prints, per run and
way, the shares that the judge finds right with 95 % intervals (Wilson's), below the ceiling: real clips.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from mutoscope.cli.folders import read_run
from mutoscope.data.captions import DIGIT_WORDS, NUM_PHRASINGS, TO_THE, SpeedWord, caption
from mutoscope.data.config import COLOURS, DIRECTIONS, Colour, Direction, SpriteConfig
from mutoscope.evaluation.adherence import examine, summarise
from mutoscope.evaluation.asking import ask, video_seeds
from mutoscope.evaluation.judge import Judge, load_or_train_judge
from mutoscope.evaluation.prompts import Asked, prompts, real_clips
from mutoscope.evaluation.result import Adherence, Measured
from mutoscope.pipeline import GenerateRequest, Pipeline, generate

NEW_COLOURS: dict[Colour, tuple[str, ...]] = {
    "red": ("scarlet", "vermilion"),
    "yellow": ("amber", "mustard"),
    "green": ("lime", "olive"),
    "cyan": ("aqua", "aquamarine"),
    "blue": ("cobalt", "ultramarine"),
    "magenta": ("purple", "hot-pink"),
    "white": ("snowy", "milky"),
}
NEW_MOTIONS: dict[Direction, tuple[str, ...]] = {
    "right": ("heading east", "sailing rightward"),
    "up and right": ("heading northeast", "climbing rightward"),
    "up": ("heading north", "climbing"),
    "up and left": ("heading northwest", "climbing leftward"),
    "left": ("heading west", "sailing leftward"),
    "down and left": ("heading southwest", "sinking leftward"),
    "down": ("heading south", "sinking"),
    "down and right": ("heading southeast", "sinking rightward"),
}
NEW_SPEEDS: dict[SpeedWord, tuple[str, ...]] = {
    "slowly": ("unhurriedly", "at a snail's pace"),
    "quickly": ("rapidly", "at full tilt"),
}
NEW_SENTENCES = (
    "watch the {colour} digit {digit} that flies {direction} {speed}",
    "number {digit}, painted in {colour}, travels {direction} {speed}",
    "{digit} is {colour} and heads {direction} {speed}",
)
WAYS = ("training phrasings", "new sentences", "new words")


def wording(config: SpriteConfig, way: str, question: Asked, number: int) -> str:
    """The question in one of the three ways; `number` chooses among wordings."""
    what = question.combination
    colour, direction = COLOURS[what.colour], DIRECTIONS[what.direction]
    digit = DIGIT_WORDS.get(what.name, what.name) if number % 2 else what.name
    if way == "training phrasings":
        return caption(config, what.name, colour, direction, question.speed, number % NUM_PHRASINGS)
    if way == "new sentences":
        sentence = NEW_SENTENCES[number % len(NEW_SENTENCES)]
        words = {"colour": colour, "direction": TO_THE[direction], "speed": question.speed or ""}
        return sentence.format(digit=digit, **words).strip()
    shade, motion = NEW_COLOURS[colour][number // 2 % 2], NEW_MOTIONS[direction][number // 4 % 2]
    speed = "" if question.speed is None else NEW_SPEEDS[question.speed][number // 8 % 2]
    return f"{'an' if shade[0] in 'aeiou' else 'a'} {shade} {digit} {motion} {speed}".strip()


def reworded(config: SpriteConfig, way: str, asked: list[Asked]) -> list[Asked]:
    return [replace(question, prompt=wording(config, way, question, i)) for i, question in enumerate(asked)]


def row(name: str, way: str, found: Adherence) -> str:
    def cell(share: Measured | None) -> str:
        if share is None or share.low is None or share.high is None:
            return "-"
        return f"{100 * share.value:.0f} % ({100 * share.low:.0f} to {100 * share.high:.0f})"

    parts = (found.identity, found.colour, found.direction, found.all_correct)
    speed = "-" if found.speed_error is None else f"{found.speed_error.value:.2f}"
    return f"| {name} | {way} | {' | '.join(map(cell, parts))} | {speed} |"


def judge_run(run: Path, asked: list[Asked], config: SpriteConfig, judge: Judge, seed: int) -> None:
    """Prints the rows of one run."""
    model = Pipeline.load(run).model

    def make(texts: list[str], seeds: list[int]) -> torch.Tensor:
        return generate(model, GenerateRequest(prompts=tuple(texts), seeds=tuple(seeds)))

    for way in WAYS:
        questions = reworded(config, way, asked)
        frames = ask(make, questions, video_seeds(len(asked), seed), config)
        print(row(run.name, way, summarise(examine(frames, questions, config, judge), has_colour=True)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--prompts", type=int, default=240)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    config = read_run(arguments.runs[0]).data
    for run in arguments.runs:
        if read_run(run).data != config:
            raise SystemExit(f"{run} was trained on other clips than {arguments.runs[0]}. Give runs on the same data.")
    if not isinstance(config, SpriteConfig) or not config.colours:
        raise SystemExit(f"{arguments.runs[0]} was not trained on coloured sprites. Train e.g.: mutoscope train demo")
    asked = prompts(config, arguments.prompts, arguments.seed)
    judge = load_or_train_judge(config, arguments.runs[0])
    print(f"{len(asked)} prompts each, for example:")
    for way in WAYS:
        print(f"  {way}: {', '.join(repr(question.prompt) for question in reworded(config, way, asked)[:3])}")
    print("| run | prompts | identity | colour | direction | all correct | speed off by, px/frame |")
    print("|---|---|---|---|---|---|---|")
    ceiling = examine(real_clips(config, asked, arguments.seed + 1), asked, config, judge)
    print(row("real clips", "ceiling", summarise(ceiling, has_colour=True)))
    for run in arguments.runs:
        judge_run(run, asked, config, judge, arguments.seed)


if __name__ == "__main__":
    main()
