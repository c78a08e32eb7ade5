import json

from command_line import run


def test_info_describes_a_checkpoint(weights, tmp_path, capsys):
    report_file = tmp_path / 'info.json'
    assert run('info', weights, '--json', report_file) == 0
    out = capsys.readouterr().out
    for words in ('tiny.safetensors', 'resnet18', 'upper_color: black, white, red', 'left_hand'):
        assert words in out
    description = json.loads(report_file.read_text())
    assert description['embedding_dim'] == 128
    assert description['file'] == 'tiny.safetensors'
    assert [a['name'] for a in description['attributes']] == ['hat', 'upper_color']
