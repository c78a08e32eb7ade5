from pathlib import Path

import numpy as np
import pytest
from datasets_on_disk import write_image
from scipy.io import savemat

from person_mtl_ros.crops import CropParams
from training.datasets.market1501 import Market1501, parse_name
from training.datasets.market_attributes import market_classes, read_market_attributes
from training.datasets.pa100k import Pa100k
from training.datasets.sample import UNKNOWN, DatasetError
from training.labels import MARKET_ATTRIBUTES, PA100K_ATTRIBUTES

CROP = CropParams(height=128, width=64)
COLORS = {
    prefix: next(s.classes for s in MARKET_ATTRIBUTES if s.name == name)
    for prefix, name in (('up', 'upper_color'), ('down', 'lower_color'))
}


def _row(**values: int) -> dict[str, int]:
    names = ['backpack', 'bag', 'handbag', 'clothes', 'down', 'up', 'hair', 'hat', 'gender', 'age']
    names += [prefix + color for prefix, colors in COLORS.items() for color in colors]
    return dict.fromkeys(names, 1) | values


def _write_attributes(path: Path, train: dict[str, dict], test: dict[str, dict]) -> None:
    def table(people: dict[str, dict]) -> dict:
        columns = {name: [row[name] for row in people.values()] for name in _row()}
        return {**columns, 'image_index': np.array(list(people), object)}

    savemat(path, {'market_attribute': {'train': table(train), 'test': table(test)}})


@pytest.fixture
def market(tmp_path: Path) -> Path:
    for value, name in enumerate(
        (
            'bounding_box_train/0002_c1s1_000451_03.jpg',
            'bounding_box_train/0002_c3s1_000551_00.jpg',
            'bounding_box_train/0007_c2s3_070952_01.jpg',
            'bounding_box_train/0011_c6s3_070952_01.jpg',
            'query/0003_c1s6_015971_00.jpg',
            'query/0009_c4s6_015971_00.jpg',
            'bounding_box_test/-1_c1s1_000401_03.jpg',
            'bounding_box_test/0000_c5s1_000401_00.jpg',
            'bounding_box_test/0000_c5s1_000501_00.jpg',
            'bounding_box_test/0003_c4s6_016996_02.jpg',
            'bounding_box_test/0009_c2s6_016996_02.jpg',
        )
    ):
        write_image(tmp_path / name, value=20 * value)
    (tmp_path / 'bounding_box_test/Thumbs.db').touch()
    return tmp_path


def test_training_people_are_counted_from_0(market: Path) -> None:
    data = Market1501(market, CROP)
    assert data.identities.tolist() == [0, 0, 1, 2]
    assert [data[index].camera for index in range(4)] == [1, 3, 2, 6]
    assert data.is_query is None
    assert data[1].identity == 0
    assert data[1].image_rgb.shape == (128, 64, 3)
    assert abs(data[2].image_rgb.astype(int) - 40).max() <= 2
    assert data[0].attributes is None


def test_test_set_has_queries_first_and_distractors_but_no_junk(market: Path) -> None:
    data = Market1501(market, CROP, split='test')
    assert data.is_query is not None
    assert data.is_query.tolist() == [True, True, False, False, False, False]
    # Of 0003, 0009, two distractors, 0003, 0009: a distractor is nobody else.
    assert data.identities.tolist() == [0, 1, 2, 3, 0, 1]
    assert [data[index].camera for index in range(6)] == [1, 4, 5, 5, 4, 2]
    half = Market1501(market, CROP, split='test', people=(0, 0.5))
    assert half.identities.tolist() == [0, 1, 2, 0]


def test_a_share_of_the_people_can_be_taken(market: Path) -> None:
    assert Market1501(market, CROP, people=(0, 0.67)).identities.tolist() == [0, 0, 1]
    assert Market1501(market, CROP, people=(0.67, 1)).identities.tolist() == [0]


def test_attributes_go_by_person(market: Path) -> None:
    _write_attributes(
        market / 'market_attribute.mat',
        train={'0002': _row(age=3, upred=2), '0007': _row(gender=2), '0011': _row()},
        test={'0003': _row(hat=2), '0009': _row()},
    )
    data = Market1501(market, CROP, attribute_file=market / 'market_attribute.mat')
    assert data.labels.attributes == MARKET_ATTRIBUTES
    names = [spec.name for spec in MARKET_ATTRIBUTES]
    first = dict(zip(names, data[1].attributes, strict=True))
    assert first['age'] == 2
    assert first['upper_color'] == 2  # red
    assert first['lower_color'] == UNKNOWN
    assert data[2].attributes[names.index('gender')] == 1
    test = Market1501(market, CROP, 'test', market / 'market_attribute.mat')
    assert (test[2].attributes == UNKNOWN).all()  # a distractor
    assert test[0].attributes[names.index('hat')] == 1


def test_several_colours_are_no_label() -> None:
    names = [spec.name for spec in MARKET_ATTRIBUTES]
    classes = market_classes(_row(upred=2, upblue=2, downpink=2, up=2, down=1, clothes=2))
    assert classes[names.index('upper_color')] == UNKNOWN
    assert classes[names.index('lower_color')] == 2
    assert classes[names.index('sleeve')] == 1
    assert classes[names.index('lower_type')] == 1


def test_the_real_table_and_its_extract_agree(shared_data: Path) -> None:
    folder = shared_data / 'attributes/market1501'
    table = read_market_attributes(folder / 'market_attribute.mat')
    assert len(table) == 1501
    extract = read_market_attributes(folder / 'mini_market1501_test_pids.csv')
    assert len(extract) == 16
    assert all((table[person] == classes).all() for person, classes in extract.items())


def test_the_real_crops_are_read(shared_data: Path) -> None:
    data = Market1501(shared_data / 'reid/mini_market1501', CROP, split='test')
    reference = np.load(shared_data / 'metrics/reid_mini_market1501/distances.npz')
    persons = np.concatenate((reference['q_pids'], reference['g_pids']))
    assert (np.unique(persons)[data.identities] == persons).all()
    assert data.is_query is not None
    assert data.is_query.sum() == 32


@pytest.mark.parametrize(
    ('missing', 'message'),
    [
        ('bounding_box_train', r'no bounding_box_train; expected Market-1501.*https'),
        ('jpg', r'bounding_box_train: no \.jpg'),
        ('name', r'me\.jpg: expected a name as 0002_c1s1'),
    ],
)
def test_what_is_not_market_1501_is_told(tmp_path: Path, missing: str, message: str) -> None:
    if missing != 'bounding_box_train':
        (tmp_path / 'bounding_box_train').mkdir()
    if missing == 'name':
        write_image(tmp_path / 'bounding_box_train/me.jpg')
    with pytest.raises(DatasetError, match=message):
        Market1501(tmp_path, CROP)


def test_names_hold_person_and_camera() -> None:
    assert parse_name('0002_c1s1_000451_03.jpg') == (2, 1)
    assert parse_name('-1_c6s2_000451_03.jpg.jpg') == (-1, 6)


def test_another_mat_is_told(tmp_path: Path) -> None:
    savemat(tmp_path / 'other.mat', {'x': 1})
    for name in ('other.mat', 'missing.mat'):
        with pytest.raises(DatasetError, match=r'expected market_attribute\.mat'):
            read_market_attributes(tmp_path / name)


def _write_pa100k(root: Path, columns: int = 26) -> None:
    labels = np.zeros((2, columns), np.uint8)
    labels[1, :2] = 1
    names = np.array([['000001.jpg'], ['000002.jpg']], object)
    tables = {}
    for split in ('train', 'val', 'test'):
        tables[f'{split}_images_name'], tables[f'{split}_label'] = names, labels
    tables['attributes'] = np.array([[spec.name] for spec in PA100K_ATTRIBUTES], object)
    savemat(root / 'annotation.mat', tables)
    for name, size in (('000001', (100, 50)), ('000002', (100, 100))):
        write_image(root / f'release_data/release_data/{name}.jpg', size, 250)


def test_pa100k_gives_attributes_and_keeps_the_shape_of_people(tmp_path: Path) -> None:
    _write_pa100k(tmp_path)
    data = Pa100k(tmp_path, CROP, 'val')
    assert len(data) == 2
    assert data[1].attributes.tolist() == [1, 1] + [0] * 24
    assert data.labels.attributes[0].name == 'female'
    square = data[1].image_rgb
    assert square.shape == (128, 64, 3)
    assert (square[60:68] > 240).all()
    assert (square[:30] < 200).all()  # filled above, not stretched


def test_pa100k_with_other_columns_is_told(tmp_path: Path) -> None:
    _write_pa100k(tmp_path, columns=25)
    with pytest.raises(DatasetError, match=r'train_label of shape \(2, 25\); expected \(2, 26\)'):
        Pa100k(tmp_path, CROP)
    with pytest.raises(DatasetError, match=r'no annotation\.mat'):
        Pa100k(tmp_path / 'release_data', CROP)
