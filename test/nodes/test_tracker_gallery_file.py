import time
from pathlib import Path
from unittest.mock import Mock

from bench import DEADLINE_SEC, header_at
from person_mtl.srv import ForgetPerson
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger
from tracker_room import INFO, NODE, Room, look, person

from person_mtl_ros.gallery_file import load_gallery, save_gallery
from person_mtl_ros.nodes.own_domain import own_domain
from person_mtl_ros.nodes.person_messages import persons_to_message
from person_mtl_ros.nodes.tracker_node import TrackerNode
from person_mtl_ros.tracking.gallery import RememberedPerson


def test_people_are_remembered_in_a_file_only_if_wanted(bench, tmp_path):
    file = tmp_path / 'gallery.safetensors'
    first = Room(bench, gallery_file=str(file)).enter()
    known = [p.track_id for p in first.watch(person(100, 3), person(300, 4))]
    assert len(known) == 2
    assert bench.call(ForgetPerson, f'/{NODE}/forget', track_id=known[1]).success
    assert [p.track_id for p in load_gallery(file, INFO.model_id)] == known[:1]
    first.watch(person(100, 3))
    assert bench.terminate(NODE) == 0
    assert known[0] in [p.track_id for p in load_gallery(file, INFO.model_id)]

    second = Room(bench, gallery_file=str(file)).enter()
    (back,) = second.watch(person(500, 3), frames=12)
    assert back.track_id == known[0] and back.recovered


def test_people_of_the_file_outlast_a_time_that_starts_again(bench, tmp_path):
    file = saved(tmp_path / 'gallery.safetensors')
    room = Room(bench, gallery_file=str(file)).enter()
    room.watch(person(100, 5))
    room.now = 100.0
    room.watch(person(100, 5))
    room.now = 1.0
    (back,) = room.watch(person(300, 0), frames=12)
    assert back.track_id == 1 and back.recovered
    assert bench.terminate(NODE) == 0
    assert {1, 2, 3} <= {p.track_id for p in load_gallery(file, INFO.model_id)}


def saved(path: Path, model_id: str = INFO.model_id) -> Path:
    """A file with three people."""
    people = [RememberedPerson(1 + who, look(who)[None], 1.0) for who in range(3)]
    save_gallery(path, people, model_id)
    return path


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def test_people_of_a_file_are_forgotten_before_a_network_is_known(bench, tmp_path):
    file = saved(tmp_path / 'gallery.safetensors')
    bench.start(NODE, gallery_file=str(file))
    forgotten = bench.call(ForgetPerson, f'/{NODE}/forget', track_id=2)
    assert forgotten.success and forgotten.message == 'person 2 forgotten'
    assert [p.track_id for p in load_gallery(file, INFO.model_id)] == [1, 3]
    assert not bench.call(ForgetPerson, f'/{NODE}/forget', track_id=2).success
    assert bench.call(Trigger, f'/{NODE}/reset').success
    assert not file.exists()
    assert bench.terminate(NODE) == 0
    assert not file.exists()


def test_a_file_that_cannot_be_used_is_forgotten_too(bench, tmp_path):
    file = saved(tmp_path / 'gallery.safetensors', 'model-b')
    room = Room(bench, gallery_file=str(file)).enter()
    assert bench.call(ForgetPerson, f'/{NODE}/forget', track_id=2).success
    assert [p.track_id for p in load_gallery(file, 'model-b')] == [1, 3]
    damage(file)
    refused = bench.call(ForgetPerson, f'/{NODE}/forget', track_id=1)
    assert not refused.success and f'may still be in the file: {file}: trunc' in refused.message
    assert bench.call(Trigger, f'/{NODE}/reset').success
    assert not file.exists()
    (known,) = room.watch(person(100, 5))
    assert bench.terminate(NODE) == 0
    assert [p.track_id for p in load_gallery(file, INFO.model_id)] == [known.track_id]


def test_another_file_than_a_gallery_is_left_alone_and_the_answer_says_so(bench, tmp_path):
    file = tmp_path / 'notes.txt'
    file.write_text('not people')
    bench.start(NODE, gallery_file=str(file))
    response = bench.call(Trigger, f'/{NODE}/reset')
    assert not response.success and 'not a gallery file' in response.message
    assert file.read_text() == 'not people'


def test_a_gallery_file_in_no_folder_is_refused_at_once(bench, tmp_path):
    bench.start(NODE, gallery_file=str(tmp_path / 'none' / 'gallery.safetensors'))
    code, printed = bench.end(NODE)
    assert code == 2
    (line,) = printed.splitlines()
    assert f'the folder {tmp_path / "none"} does not exist' in line


def test_people_are_saved_while_the_node_runs(monkeypatch, tmp_path):
    monkeypatch.setattr('person_mtl_ros.nodes.tracker_node.SAVE_SEC', 0.05)
    file, source = tmp_path / 'gallery.safetensors', Mock()
    with own_domain() as domain_id:
        context = Context()
        context.init(domain_id=domain_id)
        overrides = [Parameter('gallery_file', value=str(file))]
        node = TrackerNode(source, context=context, parameter_overrides=overrides)
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        source.resolve_topic_name.side_effect = node.resolve_topic_name
        try:
            assert node.start()
            take = source.hand_to.call_args.args[0]
            for step in range(10):
                seen = [person(100, 3)]
                header = header_at(1.0 + 0.1 * step)
                take(persons_to_message(header, (640, 480), seen, INFO), seen, INFO)
            deadline = time.monotonic() + DEADLINE_SEC
            while not file.exists():
                assert time.monotonic() < deadline
                executor.spin_once(timeout_sec=0.1)
            assert [p.track_id for p in load_gallery(file, INFO.model_id)] == [1]
        finally:
            executor.shutdown()
            node.stop()
            node.destroy_node()
            context.try_shutdown()
