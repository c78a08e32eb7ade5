import json

import pytest
from fake_checkpoint import write_fake_checkpoint
from tiny_training import experiment

from training.config import config_to_json
from training.table import TableError, plot, read_runs, score_table, write_page

PAGE = """# Title

<!-- table7 -->
old
<!-- end -->

Prose.

<!-- table7 cost -->
<!-- end -->
"""


@pytest.fixture
def runs(tmp_path):
    for name, scores in {'table7_a': (0.5, 0.7), 'table7_b': (0.25,)}.items():
        for seed, score in enumerate(scores):
            folder = tmp_path / 'runs' / name / f'seed_{seed}'
            folder.mkdir(parents=True)
            validation = {'market': {'reid': {'mAP': score}}}
            results = {
                'description': f'Variant {name[-1]}',
                'expected': {},
                'validation': validation,
                'config': config_to_json(experiment(tmp_path, f'seed={seed}', f'workers={seed}')),
            }
            (folder / 'results.json').write_text(json.dumps(results))
            write_fake_checkpoint(folder / 'network.safetensors')
    return tmp_path / 'runs'


def test_a_row_has_mean_and_deviation_over_the_seeds(runs):
    first, second = score_table(list(read_runs(runs).values())).splitlines()[2:]
    assert [cell.strip() for cell in first.split('|')[1:-1]] == ['Variant a', '2', '60.0 ± 14.1']
    assert [cell.strip() for cell in second.split('|')[1:-1]] == ['Variant b', '1', '25.0']


def test_expected_figures_stand_beside_the_measured_ones(runs, tmp_path):
    path = runs / 'table7_b' / 'seed_0' / 'results.json'
    results = json.loads(path.read_text())
    results['validation']['lip'] = {'parts': {'mIoU': 0.2, 'mIoU_5': 0.4}}
    results['expected'] = {'market': {'reid': {'mAP': 0.774}}, 'lip': {'parts': {'mIoU_5': 0.71}}}
    path.write_text(json.dumps(results))
    header, _, first, second = (
        [cell.strip() for cell in line.split('|')[1:-1]]
        for line in score_table(list(read_runs(runs).values())).splitlines()
    )
    assert header[2:] == ['ReID mAP, market', 'mIoU, lip', 'mIoU of 5 classes, lip']
    assert first[2:] == ['60.0 ± 14.1', '–', '–']
    assert second[2:] == ['25.0 (expected 77.4)', '20.0', '40.0 (expected 71.0)']
    plot(list(read_runs(runs).values()), tmp_path / 'plot.png')
    assert (tmp_path / 'plot.png').stat().st_size > 1000


def test_only_generated_parts_of_a_page_change(runs, tmp_path):
    page = tmp_path / 'page.md'
    page.write_text(PAGE)
    write_page(page, read_runs(runs))
    text = page.read_text()
    assert 'Prose.' in text and 'old' not in text
    assert '60.0 ± 14.1' in text and ' ms ' in text
    assert (tmp_path / 'table7.png').stat().st_size > 1000
    write_page(page, read_runs(runs))
    assert page.read_text().count('<!-- end -->') == 2


def test_missing_runs_are_said(runs, tmp_path):
    with pytest.raises(TableError, match=r'results\.json'):
        read_runs(runs / 'table7_b')
    (tmp_path / 'page.md').write_text('<!-- table6 -->\n<!-- end -->\n')
    with pytest.raises(TableError, match='begins with table6'):
        write_page(tmp_path / 'page.md', read_runs(runs))


def test_a_part_without_end_does_not_swallow_the_page(runs, tmp_path):
    page = tmp_path / 'page.md'
    page.write_text('<!-- table7 -->\n\nProse.\n')
    with pytest.raises(TableError, match='without <!-- end -->'):
        write_page(page, read_runs(runs))
    assert 'Prose.' in page.read_text()


@pytest.mark.parametrize('text', ['{', '{}', '[]'])
def test_a_broken_result_is_named(runs, text):
    (runs / 'table7_b' / 'seed_0' / 'results.json').write_text(text)
    with pytest.raises(TableError, match=r'table7_b.*was not written by this version'):
        read_runs(runs)


@pytest.mark.parametrize(
    ('change', 'key'),
    [
        ('optimization.steps=7', 'optimization'),
        ('validation.people.tasks=[pose]', 'validation'),
        ('description=another', 'description'),
    ],
)
def test_seeds_of_unequal_experiments_are_refused(runs, tmp_path, change, key):
    path = runs / 'table7_a' / 'seed_1' / 'results.json'
    results = json.loads(path.read_text())
    results['config'] = config_to_json(experiment(tmp_path, 'seed=1', change))
    path.write_text(json.dumps(results))
    with pytest.raises(TableError) as error:
        read_runs(runs)
    assert str(error.value).startswith(f'{path} is of another experiment than that of seed_0')
    assert f'differ in {key};' in str(error.value)
