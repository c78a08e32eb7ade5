import json

import pytest

from person_mtl_ros.json_report import write_json_report


def test_report_is_written_whole(tmp_path):
    path = tmp_path / 'report.json'
    write_json_report(path, {'HOTA': 0.5, 'sequences': ['ü']})
    assert json.loads(path.read_text(encoding='utf-8')) == {'HOTA': 0.5, 'sequences': ['ü']}
    assert list(tmp_path.iterdir()) == [path]


def test_report_that_is_not_json_leaves_the_old_file(tmp_path):
    path = tmp_path / 'report.json'
    path.write_text('old')
    with pytest.raises(ValueError, match='JSON'):
        write_json_report(path, {'HOTA': float('nan')})
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]
