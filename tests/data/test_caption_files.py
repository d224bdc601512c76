import json

import pytest

from mutoscope.data.caption_files import read_captions
from mutoscope.data.find import find_files


def captions_of(folder, *clips):
    """What is read for clips, which need not be real: nothing is decoded here."""
    for clip in clips:
        (folder / clip).parent.mkdir(parents=True, exist_ok=True)
        (folder / clip).touch()
    found = find_files(folder)
    captions = read_captions(found)
    return {found.relative(clip): caption for clip, caption in captions.items()}, found.problems


def test_nearer_captions_go_first(tmp_path):
    """Text beside the clip, then .jsonl, then .csv; the names of folders only where nobody wrote a caption."""
    clips = ["waving_hand/a.mp4", "waving_hand/b.mp4", "c.mp4", "jumps/d.mp4"]
    by_folder = {"waving_hand/a.mp4": "waving hand", "waving_hand/b.mp4": "waving hand", "jumps/d.mp4": "jumps"}
    assert captions_of(tmp_path, *clips) == (by_folder, [])

    rows = "".join(f'{index},"{clip}","of, csv"\n' for index, clip in enumerate(clips[:3]))
    (tmp_path / "captions.csv").write_text(f"label,File,Caption\n{rows}")
    by_table = dict.fromkeys(clips[:3], "of, csv")
    assert captions_of(tmp_path, *clips) == (by_table, [])  # and none for jumps/d.mp4

    (tmp_path / "waving_hand" / "captions.jsonl").write_text(json.dumps({"file": "a.mp4", "caption": "of jsonl"}))
    (tmp_path / "waving_hand" / "b.txt").write_text(" of\n  text\n")
    nearer = {"waving_hand/a.mp4": "of jsonl", "waving_hand/b.mp4": "of text", "c.mp4": "of, csv"}
    assert captions_of(tmp_path, *clips) == (nearer, [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_of_all_offices(tmp_path, encoding, separator):
    lines = [["file", "caption", "x"], ["a.mp4", '"a ""large""\r\ndog"', "1"], ["sub\\b.mp4", "été 🎬", ""]]
    text = "\r\n".join(separator.join(line) for line in lines)
    (tmp_path / "captions.csv").write_bytes(text.encode(encoding))
    captions, problems = captions_of(tmp_path, "a.mp4", "sub/b.mp4")
    assert captions == {"a.mp4": 'a "large" dog', "sub/b.mp4": "été 🎬"} and problems == []


def test_problems_name_the_line(tmp_path):
    lines = ["file,caption", "a.mp4,one", "gone.mp4,two", '"b.mp4","three"', "b.mp4,four", "b.mp4,five,six"]
    (tmp_path / "captions.csv").write_text("\n".join(lines))
    captions, problems = captions_of(tmp_path, "a.mp4", "b.mp4")
    assert captions == {"a.mp4": "one", "b.mp4": "three"}
    assert [problem.words.split(":")[0] for problem in problems] == ["line 3", "line 5", "line 6"]
