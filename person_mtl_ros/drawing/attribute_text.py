"""Attributes in words."""

from collections.abc import Mapping, Sequence

from person_mtl_ros.structures import AttributeSpec, Float32Array

# Their classes say what they are about: "female" needs no "gender".
SELF_EXPLAINING = frozenset({'gender', 'age'})


def attribute_phrases(
    attributes: Mapping[str, Float32Array],
    specs: Sequence[AttributeSpec],
    min_probability: float,
) -> list[str]:
    """
    Say what is known for sure about a person.

    Of a yes/no attribute only a yes is told. Attributes of one thing become one phrase:
    ``upper_color: red`` and ``upper_length: long`` are "upper red long".

    :param attributes: name -> (C,) probabilities.
    :param specs: names and classes, in the order to tell them.
    :param min_probability: less sure ones are left out.
    """
    phrases: list[str] = []
    grouped: dict[str, list[str]] = {}
    belongings: list[str] = []
    for spec in specs:
        probabilities = attributes.get(spec.name)
        if probabilities is None or not probabilities.max() >= min_probability:
            continue
        answer = spec.classes[int(probabilities.argmax())].replace('_', ' ')
        thing, _, aspect = spec.name.partition('_')
        if set(spec.classes) == {'no', 'yes'}:
            belongings += [spec.name.replace('_', ' ')] if answer == 'yes' else []
        elif spec.name in SELF_EXPLAINING:
            phrases.append(answer)
        elif aspect:
            grouped.setdefault(thing, []).append(answer)
        else:
            phrases.append(f'{answer} {thing}')
    phrases += [' '.join([thing, *answers]) for thing, answers in grouped.items()]
    return phrases + belongings


def wrap_phrases(phrases: Sequence[str], max_length: int) -> list[str]:
    """Lines of phrases with commas between them; a phrase is never broken."""
    lines: list[str] = []
    for phrase in phrases:
        if lines and len(lines[-1]) + 2 + len(phrase) <= max_length:
            lines[-1] += f', {phrase}'
        else:
            lines.append(phrase)
    return lines
