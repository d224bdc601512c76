"""`mutoscope data pack`: from a scanned folder to shards that training takes."""

import json

from folder_of_clips import make_folder


def test_shards_are_written_and_told(call, tmp_path):
    make_folder(tmp_path / "clips", (6, 7, 8), test=1)
    out = tmp_path / "my shards"
    said = call("data", "pack", tmp_path / "clips", "--out", out)
    assert said.code == 0
    assert "train             2 clips\ntest              1 clips\nshards            2, 0.0 MB" in said.out
    assert f"next: mutoscope train clips --data.folder '{out}'" in said.err
    assert sorted(path.name for path in out.iterdir()) == ["000000.tar", "000001.tar", "shards.json"]
    told = json.loads(call("data", "pack", tmp_path / "clips", "--out", out, "--json").out)
    assert told["train"] == 2 and told["bytes"] == sum(path.stat().st_size for path in out.glob("*.tar"))


def test_wrong_words_are_one_line(fails, tmp_path):
    assert "Missing from mutoscope data pack: --out SHARDS" in fails("data", "pack", tmp_path)
    assert "holds no manifest.jsonl. Make one: mutoscope data scan" in fails("data", "pack", tmp_path, "--out", "x")
    assert "must be more than 0" in fails("data", "pack", tmp_path, "--out", "x", "--shard-mb", 0)
