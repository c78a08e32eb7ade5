"""What the shared network tells of a person, one head each; known without torch."""

TASKS = ('reid', 'attributes', 'pose', 'parts')
