"""Detections of each image to persons with an identity; numpy and scipy only."""

from person_mtl_ros.tracking.iou_tracker import IouTracker
from person_mtl_ros.tracking.reid_tracker import ReidTracker
from person_mtl_ros.tracking.reid_tracker_params import ReidTrackerParams

__all__ = ['IouTracker', 'ReidTracker', 'ReidTrackerParams']
