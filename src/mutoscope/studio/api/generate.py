"""Videos: which models there are, a request into the queue, the results in any format."""

from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Query, Request
from fastapi.responses import FileResponse, Response

from ...model_config import CONFIG, WEIGHTS, ModelConfig
from ...recipes.packaged import packaged
from ..context import Studio, studio_of
from ..forms import Refused, checked
from ..jobs import Job
from ..requests import VideoRequest
from ..uploads import keep_upload
from ..workspace import Missing

router = APIRouter(prefix="/api")
Here = Annotated[Studio, Depends(studio_of)]
Name = Annotated[str, Query(max_length=500)]
PACKAGED = Path(__file__).parents[2] / "packaged"
PREVIEW = "preview.webp"


@router.get("/models")
def models(studio: Here) -> list[dict[str, Any]]:
    """The model inside the package, then those of runs."""
    prompts = list(packaged().sample_prompts)
    found = [_about("", "packaged", PACKAGED, prompts)] if (PACKAGED / CONFIG).is_file() else []
    for row in studio.runs.all():
        try:
            folder = studio.workspace.run(row["id"]) / "model"
            if (folder / WEIGHTS).is_file():
                found.append(_about(row["id"], row["id"], folder, row["prompts"]))
        except (OSError, ValueError, Missing):  # of another version, or going away at this moment
            continue
    return found


@router.get("/generate/form")
def form() -> dict[str, Any]:
    """The JSON Schema of a request."""
    return VideoRequest.model_json_schema()


@router.post("/generate")
def generate(studio: Here, body: Annotated[dict[str, Any], Body()]) -> Job:
    """Put videos into the queue."""
    request = checked(VideoRequest, body)
    if request.model:
        try:
            folder = studio.workspace.run(request.model)
        except Missing as error:
            raise Refused({"model": str(error)}) from error
        if not (folder / "model" / WEIGHTS).is_file():
            raise Refused({"model": f"{request.model} has no trained model yet."})
    if request.start:
        studio.workspace.upload(request.start)
    title = request.prompts[0] if len(request.prompts) == 1 else f"{len(request.prompts)} prompts"
    return studio.queue.submit("generate", title, request.model, request.model_dump(mode="json"))


@router.post("/upload")
async def upload(studio: Here, request: Request) -> dict[str, str]:
    """Keep a picture or clip to begin videos with: the body is the file. Refused where it does not decode."""
    return {"name": await keep_upload(studio.workspace, request.stream())}


@router.get("/video")
def video(
    studio: Here, job: Name, number: Annotated[int, Query(ge=0, lt=1000)] = 0,
    form: Literal["mp4", "webm", "gif", "png", "npy"] = "mp4",
) -> FileResponse:  # fmt: skip
    """A finished video; webm and gif are made from the exact frames when they are asked for."""
    folder = studio.workspace.job_folder(job)
    file = folder / f"{number}.{form}"
    if not file.is_file():
        exact = folder / f"{number}.npy"
        if not exact.is_file():
            raise Missing(f"job {job} has no video {number}.")
        _converted(exact, file, _fps(folder, number))
    return FileResponse(file, filename=f"mutoscope-{job[:6]}-{number}.{form}", content_disposition_type="inline")


@router.get("/preview")
def preview(studio: Here, job: Name) -> Response:
    """What the network takes for the video at this step. Read at once: the next step puts another file in its place."""
    try:
        picture = (studio.workspace.job_folder(job) / PREVIEW).read_bytes()
    except OSError as error:
        raise Missing("there is no preview: the job has not begun, or is done.") from error
    return Response(picture, media_type="image/webp", headers={"cache-control": "no-store"})


def _about(name: str, title: str, folder: Path, prompts: list[str]) -> dict[str, Any]:
    config = ModelConfig.model_validate_json((folder / CONFIG).read_bytes())
    return {
        "id": name, "name": title, "frames": config.num_frames, "height": config.height, "width": config.width,
        "fps": config.fps, "text": config.denoiser.text, "sampling": config.sampling.model_dump(mode="json"),
        "gives_frames": config.diffusion.gives_frames, "prompts": prompts,
    }  # fmt: skip


def _fps(folder: Path, number: int) -> float:
    import json

    return float(json.loads((folder / "result.json").read_text())[number]["fps"])


def _converted(exact: Path, file: Path, fps: float) -> None:
    import numpy as np

    from ...video.write import write_video

    frames = np.load(exact, allow_pickle=False)
    write_video(file, frames, fps, max(1, 256 // min(frames.shape[1:3])))
