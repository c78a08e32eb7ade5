# ROS 2 without an installation: everything lives in .venv, which is a virtual environment and the
# install space of the workspace at once. On a ROS 2 installation use rosdep and colcon; see README.

PYTHON ?= python3
# A ROS 2 installation sourced in the calling shell would come before the wheels.
unexport PYTHONPATH AMENT_PREFIX_PATH COLCON_PREFIX_PATH CMAKE_PREFIX_PATH LD_LIBRARY_PATH

VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin

PACKAGES := . compat/cv_bridge compat/message_filters compat/vision_msgs
# What the installed tree is made of. Python files are linked, so only their coming and going counts.
LINKED := $(shell find person_mtl_ros compat/cv_bridge compat/message_filters -name '*.py')
INSTALLED := $(shell find msg srv config launch rviz compat/vision_msgs compat/wheels.cmake \
	person_mtl_ros/weights person_mtl_ros/demo_clip -type f 2>/dev/null) \
	CMakeLists.txt package.xml setup.cfg

# What needs neither ROS nor torch nor TrackEval.
OLDEST_TESTS := test/tracking $(addprefix test/evaluation/test_, calibration.py labelled_views.py \
	latency.py mot_files.py reentry.py sequence.py) $(addprefix test/test_, atomic_path.py \
	camera_geometry.py camera_motion.py cost_model.py crops.py detections.py drawing.py \
	gallery_file.py hog_detector.py images.py json_report.py odometry.py parameters.py \
	person_log.py pipeline.py refresh.py video.py)

.PHONY: setup demo test oldest train-smoke lint docs clean

setup: $(VENV)/built

demo: setup
	$(BIN)/person-mtl demo --out out

test: setup
	$(BIN)/python -m pytest

# The robot's side on the libraries of Ubuntu 22.04.
oldest:
	$(PYTHON) -m venv build/oldest
	build/oldest/bin/pip install --quiet --disable-pip-version-check -r test/oldest_requirements.txt
	PYTHONPATH=compat/cv_bridge build/oldest/bin/python -m pytest $(OLDEST_TESTS)

train-smoke: setup
	$(BIN)/python -m training.smoke

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: setup
	$(BIN)/python docs/generate_tables.py

clean:
	rm -rf .venv build out

$(VENV)/requirements: requirements.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 10) and \
	'Python %d.%d found; 3.10 or newer is needed: make PYTHON=python3.11' % sys.version_info[:2])"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --disable-pip-version-check -r requirements.txt
	cp compat/ament_prefix_path.pth $$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])')
	@touch $@

$(VENV)/linked: $(VENV)/requirements FORCE
	@echo '$(sort $(LINKED))' | cmp --silent - $@ || echo '$(sort $(LINKED))' > $@

$(VENV)/built: $(VENV)/requirements $(VENV)/linked $(INSTALLED)
	. compat/environment.sh && colcon --log-base build/log build --merge-install \
		--symlink-install --install-base $(VENV) --build-base build --paths $(PACKAGES) \
		--cmake-args -G Ninja -Wno-dev -DPython3_EXECUTABLE=$(BIN)/python \
		-DCMAKE_PROJECT_INCLUDE=$(CURDIR)/compat/wheels.cmake
	ln -sf ../lib/person_mtl/person-mtl $(BIN)/person-mtl
	@touch $@

FORCE:
