from dataclasses import replace

from fake_checkpoint import PARAMS

from training.cost import measure_costs


def test_costs_are_those_of_the_network():
    size = (64, 32)
    networks = {
        'one': (replace(PARAMS, tasks=('reid',)), size),
        'four': (PARAMS, size),
        'branches': (replace(PARAMS, sharing='multi'), size),
        'large crops': (PARAMS, (128, 64)),
    }
    costs = measure_costs(networks)
    assert costs['one'].parameters < costs['four'].parameters < costs['branches'].parameters
    memory = {name: cost.training_bytes_per_crop for name, cost in costs.items()}
    assert memory['one'] < memory['four'] < memory['branches']
    assert 3.5 < memory['large crops'] / memory['four'] < 4.1
    assert all(cost.ms_per_crop > 0 for cost in costs.values())
