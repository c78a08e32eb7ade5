"""
Render a data set of people cut out as a detector and the network's cropper would.

    python -m training.synthetic.crops --domain all --identities 1500 --views 16 --size 192x96 \
        --out DIR

See :mod:`training.synthetic.domain` for the domains and ``shards`` for the files.
"""

import argparse
from pathlib import Path

import cv2

from training.datasets.sample import DatasetError
from training.synthetic.contact_sheet import contact_sheet
from training.synthetic.domain import DOMAINS
from training.synthetic.shards import RenderedSet, render_set, render_views


def write_contact_sheet(path: Path, rendered: RenderedSet, people: int) -> None:
    """Draw one crop of each of the first people, each above its labels."""
    crops = [next(render_views(rendered, index)) for index in range(people)]
    sheet = contact_sheet(
        [crop.image_rgb for crop in crops],
        [crop.parts for crop in crops],
        [crop.keypoints for crop in crops],
    )
    quality = [cv2.IMWRITE_JPEG_QUALITY, 65]
    cv2.imwrite(str(path), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), quality)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description='Render crops of people with exact labels.')
    parser.add_argument('--domain', choices=(*DOMAINS, 'all'), default='all')
    parser.add_argument('--identities', type=int, default=100, help='number of people')
    parser.add_argument('--views', type=int, default=8, help='crops of each person')
    parser.add_argument('--size', default='256x128', help='height x width of a crop in pixels')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--workers', type=int, default=2, help='processes')
    parser.add_argument('--out', type=Path, required=True, help='folder for the shards')
    parser.add_argument('--contact-sheet', type=Path, help='picture of the first 40 people')
    args = parser.parse_args()
    height, width = (int(value) for value in args.size.split('x'))
    rendered = RenderedSet(args.domain, args.identities, args.views, (height, width), args.seed)
    try:
        render_set(args.out, rendered, args.workers)
    except DatasetError as error:
        parser.error(str(error))
    if args.contact_sheet:
        write_contact_sheet(args.contact_sheet, rendered, min(40, args.identities))


if __name__ == '__main__':
    main()
