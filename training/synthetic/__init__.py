"""
Rendered people with exact labels for all four tasks: training crops and video scenes.

``identity`` decides who a person is, ``pose`` and ``skeleton`` how they stand, ``person`` builds
their mesh, ``scenery`` what is around, ``renderer`` draws it, ``degrade`` photographs it.
``crops`` and ``scene`` are the commands. World: x and y on the ground, z up, metres.
"""
