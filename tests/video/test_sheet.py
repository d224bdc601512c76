import numpy as np
import pytest

from mutoscope.video.sheet import contact_sheet


def flat(levels, height=6, width=8):
    """A clip whose frame i has the grey level levels[i]."""
    return np.array(levels, np.uint8)[:, None, None, None] * np.ones((1, height, width, 3), np.uint8)


def runs(sheet, level):
    """Bounding boxes' top-left corners of all pixels of one grey level: (rows, columns) that hold it."""
    where = (np.asarray(sheet) == level).all(axis=2)
    return np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))


def test_frames_are_evenly_spaced_and_enlarged():
    sheet = contact_sheet([flat(range(100, 117))], [""], num_frames=5, scale=3)  # letters have greys too
    for column, level in enumerate([100, 104, 108, 112, 116]):
        rows, columns = runs(sheet, level)
        assert len(rows) == 18 and len(columns) == 24, level
        assert columns[0] == 10 + column * (24 + 3)
    assert len(runs(sheet, 101)[0]) == 0


def test_one_row_per_clip_in_order_and_shorter_clips_show_all_they_have():
    sheet = contact_sheet([flat([200, 201]), flat([210, 211, 212, 213]), flat([220])], ["a", "b", "c"], 4, scale=4)
    tops = [runs(sheet, level)[0][-1] for level in (201, 213, 220)]
    assert tops == sorted(tops) and len(set(tops)) == 3
    assert len(runs(sheet, 213)[1]) == 32


def test_labels_are_drawn_and_long_ones_wrap():
    clip = flat([0, 0])
    plain, labelled = (np.asarray(contact_sheet([clip], [label])) for label in ("", "a red seven moves left"))
    assert plain.shape == labelled.shape and (labelled.max() > 200) and plain.max() < 50
    long = contact_sheet([clip], ["word " * 60])
    assert long.height > plain.shape[0] + 60 and long.width == plain.shape[1]
    contact_sheet([clip], ["x" * 500])  # one endless word is cut, not drawn over the edge


def test_one_frame_per_row():
    assert len(runs(contact_sheet([flat([90, 91])], ["a"], num_frames=1), 90)[0]) == 18


@pytest.mark.parametrize(
    "clips, labels, num_frames, message",
    [
        ([], [], 9, "0 clips and 0 labels"),
        ([flat([1])], ["a", "b"], 9, "1 clips and 2 labels"),
        ([flat([1]), flat([1], height=7)], ["a", "b"], 9, r"different sizes .*\(6, 8\), \(7, 8\)"),
        ([flat([1])], ["a"], 0, "num_frames=0"),
        ([flat([1]) / 2], ["a"], 9, "float64 of shape"),
    ],
)
def test_errors(clips, labels, num_frames, message):
    with pytest.raises(ValueError, match=message):
        contact_sheet(clips, labels, num_frames)
    with pytest.raises(ValueError, match="scale=0"):
        contact_sheet([flat([1])], ["a"], scale=0)
