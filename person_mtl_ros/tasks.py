"""What the shared network tells of a person, one head each; known without torch."""

from typing import Literal, get_args

Task = Literal['reid', 'attributes', 'pose', 'parts']
TASKS: tuple[Task, ...] = get_args(Task)
