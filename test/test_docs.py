import importlib.util
from pathlib import Path

import pytest
import yaml

pytest.importorskip('rclpy', reason='the tables are made from the nodes')

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='module')
def tables():
    spec = importlib.util.spec_from_file_location('tables', ROOT / 'docs' / 'generate_tables.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize('name', ['parameters.md', 'topics.md'])
def test_tables_are_what_the_code_says(tables, name):
    assert (ROOT / 'docs' / name).read_text() == tables.TABLES[name](), 'run make docs'


def test_examples_of_the_parameter_file_name_parameters_of_their_node(tables):
    text = (ROOT / 'config' / 'person_mtl.yaml').read_text()
    heading, _, example = text.partition('#\n')
    assert heading.startswith('#')
    nodes = yaml.safe_load(''.join(line[1:] for line in example.splitlines(keepends=True)))
    node_classes = {f'/**/{node.node_name}': node for node in tables.NODES}
    for key, content in nodes.items():
        names = {row[0].strip('`') for row in tables.parameter_rows(node_classes[key])}
        assert set(content['ros__parameters']) <= names
