import pytest

from mutoscope.data.manifest import ManifestEntry, read_manifest, write_manifest

WHOLE = ManifestEntry(
    file="a b/ü\n🎬.mp4", caption='a "quoted", caption\u2028', num_frames=30, fps=30000 / 1001, height=48, width=64,
    codec="h264", sha="0" * 16,
)  # fmt: skip
PIECE = WHOLE.model_copy(update={"start_s": 0.1, "end_s": 1.3, "num_frames": 12, "split": "test"})


def test_reading_inverts_writing(tmp_path):
    write_manifest(tmp_path / "manifest.jsonl", [WHOLE, PIECE])
    assert read_manifest(tmp_path) == read_manifest(tmp_path / "manifest.jsonl") == [WHOLE, PIECE]
    before = (tmp_path / "manifest.jsonl").read_bytes()
    write_manifest(tmp_path / "manifest.jsonl", read_manifest(tmp_path))
    assert (tmp_path / "manifest.jsonl").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.jsonl"]


def test_durations():
    assert WHOLE.duration_s == pytest.approx(30 * 1001 / 30000) and PIECE.duration_s == pytest.approx(1.2)
    assert WHOLE.model_copy(update={"num_frames": 1}).duration_s == 0


@pytest.mark.parametrize(
    "change, message",
    [
        ({"num_frames": 0}, "num_frames"),
        ({"start_s": 1.0}, "one of start_s and end_s"),
        ({"start_s": 1.0, "end_s": 0.5}, "before its start"),
        ({"speed": 1}, "speed"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, change, message):
    import json

    lines = [WHOLE.model_dump_json(), json.dumps(WHOLE.model_dump() | change)]
    (tmp_path / "manifest.jsonl").write_text("\n".join(lines))
    with pytest.raises(ValueError, match=f"line 2: .*{message}") as caught:
        read_manifest(tmp_path)
    assert "\n" not in str(caught.value)


def test_no_manifest_says_how_to_make_one(tmp_path):
    with pytest.raises(ValueError, match=r"holds no manifest.jsonl. Make one: mutoscope data scan"):
        read_manifest(tmp_path)
    with pytest.raises(ValueError, match="does not exist"):
        read_manifest(tmp_path / "gone.jsonl")
