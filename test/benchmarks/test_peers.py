from pathlib import Path

import pytest

from benchmarks.peers import BOXMOT_TRACKERS, OURS, compare
from person_mtl_ros.checkpoint import default_checkpoint
from person_mtl_ros.predictor import Predictor

FRAMES = 40


@pytest.fixture
def walkers(tmp_path: Path) -> Path:
    """Two people who walk past each other; boxes only."""
    folder = tmp_path / 'WALKERS'
    lines = {'det/det.txt': [], 'gt/gt.txt': []}
    for frame in range(1, FRAMES + 1):
        for who, left in ((1, 20 + 4 * frame), (2, 300 - 4 * frame)):
            box = f'{left},{40 + 30 * who},30,75'
            lines['det/det.txt'].append(f'{frame},-1,{box},0.95,-1,-1,-1')
            lines['gt/gt.txt'].append(f'{frame},{who},{box},1,-1,-1,-1')
    for name, rows in lines.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text('\n'.join(rows) + '\n')
    (folder / 'seqinfo.ini').write_text(
        f'[Sequence]\nname=WALKERS\nframeRate=10\nseqLength={FRAMES}\nimWidth=400\nimHeight=240\n'
    )
    return folder


@pytest.fixture(scope='module')
def predictor() -> Predictor:
    return Predictor(default_checkpoint(), backend='torch', heads=('reid',))


def test_our_tracker_is_scored(walkers: Path, predictor: Predictor) -> None:
    (row,) = compare(walkers, predictor, peers=())
    assert row['tracker'] == OURS and row['sequence'] == 'WALKERS'
    assert row['IDF1'] > 0.9 and row['ids'] == row['gt_ids'] == 2


def test_trackers_that_need_pictures_are_left_out_without(
    walkers: Path, predictor: Predictor
) -> None:
    pytest.importorskip('boxmot')
    rows = {row['tracker']: row for row in compare(walkers, predictor, BOXMOT_TRACKERS)}
    assert set(rows) == {OURS, 'bytetrack', 'ocsort'}
    assert all(row['IDF1'] > 0.8 for row in rows.values())
