"""What is typed, and the files it names, in tests of the commands."""

from person_mtl_ros.cli import main

LENGTH = 8


def run(*arguments):
    return main([str(argument) for argument in arguments])


def text_file(folder, name):
    (folder / name).write_text('this is not what it should be\n')
    return folder / name


def params_file(folder, line):
    path = folder / 'params.yaml'
    path.write_text(f'/**/tracker_node:\n  ros__parameters:\n    {line}\n')
    return path
