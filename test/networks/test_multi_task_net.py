from dataclasses import replace

import pytest
import torch
from fake_checkpoint import PARAMS
from torch.utils.flop_counter import FlopCounterMode

from person_mtl_ros.networks.heads import ReidHead
from person_mtl_ros.networks.multi_task_net import (
    SHARINGS,
    MultiTaskNet,
    MultiTaskNetParams,
    build_multi_task_net,
    embedding_dim,
)
from person_mtl_ros.tasks import TASKS


@pytest.fixture(scope='module')
def network() -> MultiTaskNet:
    torch.manual_seed(0)
    return build_multi_task_net(PARAMS).eval()


def _crops(count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, (count, 3, 64, 32), generator=generator, dtype=torch.uint8)


def test_every_task_answers_in_its_shape(network: MultiTaskNet) -> None:
    outputs = network(_crops(3))
    assert {task: tuple(value.shape) for task, value in outputs.items()} == {
        'reid': (3, 128),
        'attributes': (3, 5),
        'pose': (3, 4, 4, 2),
        'parts': (3, 5, 64, 32),
    }


def test_pixels_of_any_type_mean_the_same(network: MultiTaskNet) -> None:
    crops = _crops(2)
    torch.testing.assert_close(network(crops), network(crops.float()))


@pytest.mark.parametrize('task', TASKS)
def test_a_head_that_is_not_asked_for_is_not_computed(network: MultiTaskNet, task: str) -> None:
    ran = []
    hooks = [
        head.register_forward_hook(lambda *_, name=name: ran.append(name))
        for name, head in network.heads.items()
    ]
    outputs = network(_crops(1), [task])
    for hook in hooks:
        hook.remove()
    assert list(outputs) == ran == [task]


def test_a_network_can_have_fewer_heads() -> None:
    network = build_multi_task_net(replace(PARAMS, tasks=('pose',)))
    assert list(network(_crops(1))) == ['pose']


def test_embedding_is_the_global_maximum_of_the_last_map(network: MultiTaskNet) -> None:
    crops = _crops(2)
    last = network.backbone((crops.float() - network.mean) / network.std)[-1]
    expected = last.flatten(2).max(dim=2).values
    torch.testing.assert_close(network(crops, ['reid'])['reid'], expected)


def test_batch_norm_takes_the_common_part_from_the_embeddings() -> None:
    torch.manual_seed(0)
    pooled = 10 + torch.rand(64, 8)  # directions nearly equal
    head = ReidHead(8, batch_norm=True).train()
    centred = torch.nn.functional.normalize(head([pooled[..., None, None]]), dim=1)
    raw = torch.nn.functional.normalize(pooled, dim=1)
    assert (raw @ raw.T).mean() > 0.99
    assert abs((centred @ centred.T).mean()) < 0.05


@pytest.mark.parametrize('task', TASKS)
def test_the_loss_of_one_task_leaves_the_other_heads_alone(task: str) -> None:
    network = build_multi_task_net(PARAMS)
    network(_crops(2))[task].square().mean().backward()
    for name, head in network.heads.items():
        touched = any(p.grad is not None for p in head.parameters())
        assert touched == (name == task and task != 'reid')  # the embedding has no weights
    assert network.backbone.conv1.weight.grad.abs().sum() > 0


def test_in_a_multi_branch_network_each_task_has_a_last_stage_of_its_own() -> None:
    network = build_multi_task_net(replace(PARAMS, sharing='multi'))
    network(_crops(2), ['pose'])['pose'].sum().backward()
    assert all(p.grad is not None for p in network.branches['pose'].parameters())
    assert all(p.grad is None for p in network.branches['reid'].parameters())
    assert network.backbone.layer3[0].conv1.weight.grad is not None
    assert not hasattr(network.backbone, 'layer4')


def test_a_split_network_keeps_pose_and_the_other_tasks_in_different_channels() -> None:
    network = build_multi_task_net(replace(PARAMS, sharing='split', pose_share=0.25))
    seen = {}
    for task, head in network.heads.items():
        head.register_forward_pre_hook(
            lambda _, maps, task=task: seen.update({task: maps[0][-1].shape[1]})
        )
    outputs = network(_crops(2))
    assert seen == {'reid': 96, 'attributes': 96, 'pose': 32, 'parts': 96}
    last = network.backbone((_crops(2).float() - network.mean) / network.std)[-1]
    torch.testing.assert_close(outputs['reid'], last[:, 32:].amax(dim=(2, 3)))


@pytest.mark.parametrize('sharing', SHARINGS)
def test_the_embedding_is_as_long_as_said(sharing: str) -> None:
    params = replace(PARAMS, sharing=sharing)
    outputs = build_multi_task_net(params).eval()(_crops(1), ['reid'])
    assert outputs['reid'].shape[1] == embedding_dim(params)


def test_an_unknown_sharing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'double'.*single, multi, split"):
        replace(PARAMS, sharing='double')


def test_what_only_other_tasks_need_can_be_removed() -> None:
    network = build_multi_task_net(replace(PARAMS, sharing='multi')).eval()
    expected = network(_crops(2), ['parts'])['parts']
    network.keep_only(['parts'])
    assert list(network.branches) == ['parts']
    torch.testing.assert_close(network(_crops(2))['parts'], expected)


def _operations(*tasks: str) -> int:
    params = MultiTaskNetParams(tasks=tasks, class_counts=(2, 3), joints=16, parts=20)
    counter = FlopCounterMode(display=False)
    with torch.device('meta'), torch.inference_mode(), counter:
        build_multi_task_net(params).eval()(torch.zeros(1, 3, 256, 128))
    return counter.get_total_flops()


def test_three_more_heads_cost_little_beside_the_backbone() -> None:
    joint = _operations(*TASKS)
    assert joint < 1.25 * _operations('reid')
    assert joint < 0.3 * sum(_operations(task) for task in TASKS)
