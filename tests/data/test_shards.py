"""What lies in a shard, also in one that others made, one that means harm, and one that is broken."""

import io
import json
import tarfile

import pytest

from mutoscope.data.shards import Member, read_index, read_samples

LINE = {
    "file": "a.mp4", "caption": "one", "num_frames": 5, "fps": 10, "height": 8, "width": 8, "codec": "h264", "sha": "0",
}  # fmt: skip


def tar_of(path, members, kind=tarfile.PAX_FORMAT):
    """members: (name, content) or a TarInfo."""
    with tarfile.open(path, "w", format=kind) as tar:
        for member in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member[0])
            content = b"" if isinstance(member, tarfile.TarInfo) else member[1]
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def content_of(path, sample):
    return [Member(path, *place).read() for place in sample.places]


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_shards_of_others(tmp_path, kind):
    members = [
        ("x/one.mp4", b"1" * 700), ("x/one.txt", "  a rēd 7\n".encode()),
        ("x/one.jpg", b"thumbnail"), ("x/one.1.jpg", b"still"),
        ("x/two.json", b'{"caption": "a blue 3", "width": 9}'), ("x/two.WEBM", b"22"),
        ("README", b"no clip"), ("x/three.0002.png", b"b"), ("x/three.0001.png", b"a"), ("x/three.cls", b"5"),
        ("x/four.json", json.dumps([LINE, LINE | {"caption": "two"}]).encode()), ("x/four.mp4", b"4"),
        ("x/five.json", b"[1]"), ("x/five.mp4", b"5"),
    ]  # fmt: skip
    path = tar_of(tmp_path / "a.tar", members, kind)
    one, two, three, four, five = read_samples(path)
    assert (one.key, one.kind, one.caption, one.clips) == ("x/one", "mp4", "a rēd 7", ())
    assert content_of(path, one) == [b"1" * 700]
    assert (two.kind, two.caption, content_of(path, two)) == ("webm", "a blue 3", [b"22"])
    assert content_of(path, three) == [b"a", b"b"]
    assert [clip.caption for clip in four.clips] == ["one", "two"]
    assert five.clips == () and five.caption == ""


def test_hostile_members_are_never_followed_or_extracted(tmp_path):
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    work = tmp_path / "work"
    work.mkdir()
    evil = []
    for name, kind in (("link.mp4", tarfile.SYMTYPE), ("hard.mp4", tarfile.LNKTYPE)):
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, "../secret.mp4"
        evil.append(info)
    for name, kind in (("pipe.mp4", tarfile.FIFOTYPE), ("device.mp4", tarfile.CHRTYPE), ("d.mp4", tarfile.DIRTYPE)):
        info = tarfile.TarInfo(name)
        info.type = kind
        evil.append(info)
    names = ["../../above.mp4", str(tmp_path / "absolute.mp4"), "a\nb.mp4", "..mp4", "con\x00.mp4"]
    path = tar_of(work / "a.tar", [*evil, *((name, b"video") for name in names)])
    before = sorted(tmp_path.rglob("*"))
    samples = read_samples(path)
    assert [content for sample in samples for content in content_of(path, sample)] == [b"video"] * len(samples)
    assert {sample.key for sample in samples} >= {"../../above", str(tmp_path / "absolute"), "a\nb"}
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "content, message",
    [
        (lambda tar: tar[:1000], "is cut off or no plain tar file"),
        (lambda tar: b"not a tar file" * 100, "is cut off or no plain tar file"),
        (lambda tar: __import__("gzip").compress(tar), "is cut off or no plain tar file"),
        (lambda tar: b"", "is cut off or no plain tar file"),
    ],
    ids=["cut off", "text", "compressed", "empty"],
)
def test_broken_shards_are_one_line(tmp_path, content, message):
    whole = tar_of(tmp_path / "a.tar", [("a.mp4", b"x" * 5000), ("a.txt", b"words")])
    whole.write_bytes(content(whole.read_bytes()))
    with pytest.raises(ValueError, match=message) as caught:
        read_samples(whole)
    assert "\n" not in str(caught.value) and str(whole) in str(caught.value)


@pytest.mark.parametrize(
    "member, message",
    [
        (b"{", "member a.json is not readable"),
        (json.dumps(LINE | {"fps": 0}).encode(), "member a.json is not readable"),
        (b" " * (2**20 + 1), "member a.json has 1,048,577 bytes"),
    ],
)
def test_broken_json_is_one_line(tmp_path, member, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_samples(tar_of(tmp_path / "a.tar", [("a.mp4", b"x"), ("a.json", member)]))
    assert "\n" not in str(caught.value)


def test_a_member_is_a_file_of_its_own(tmp_path):
    whole = bytes(range(256)) * 4
    (tmp_path / "f").write_bytes(whole)
    with Member(tmp_path / "f", 100, 500) as member:
        reference = io.BytesIO(whole[100:600])
        for move in [lambda f: f.read(7), lambda f: f.seek(-3, 2), lambda f: f.read(), lambda f: f.seek(490),
                     lambda f: f.read(100), lambda f: f.read(1), lambda f: f.seek(-20, 1), lambda f: f.tell(),
                     lambda f: f.seek(9999), lambda f: f.read(5), lambda f: f.seek(0), lambda f: f.read()]:  # fmt: skip
            assert move(member) == move(reference)
        with Member(tmp_path / "f", 0, 4) as other:  # two at a time do not disturb each other
            member.seek(10)
            assert other.read() == whole[:4] and member.read(2) == whole[110:112]


@pytest.mark.parametrize("file", ["../a.tar", "/etc/a.tar", "http://host/a.tar", "a.zip", "", ".tar", "a/b.tar"])
def test_an_index_names_files_beside_itself_only(file):
    text = json.dumps({"shards": [{"file": file, "num_clips": 1, "num_bytes": 10, "sha": "0"}]})
    with pytest.raises(ValueError, match=r"shards.json is not readable \(shards.0.file: .*Make it again"):
        read_index(text, "shards.json")
