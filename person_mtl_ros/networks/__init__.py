"""Networks in torch; they know nothing of files, devices or ROS."""
