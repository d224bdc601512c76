"""`mutoscope data`: its actions and what can be typed wrong; what they do is tested in tests/data."""


def test_help_names_the_actions(call):
    for args in (["data"], ["data", "--help"]):
        said = call(*args)
        assert said.code == 0 and all(f"  {name} " in said.out for name in ("scan", "split", "pack")) and said.err == ""


def test_wrong_words_are_one_line(fails, tmp_path):
    assert "unknown action 'scann'. Did you mean 'scan'?" in fails("data", "scann", tmp_path)
    assert "DIR is missing" in fails("data", "scan")
    assert "must be more than 0" in fails("data", "scan", tmp_path, "--limit-s", 0)
    assert "holds no manifest.jsonl. Make one: mutoscope data scan" in fails("data", "split", tmp_path)
    assert "choose one" in fails("data", "split", tmp_path, "--test-share", 0.1, "--test-tail", 0.1)
