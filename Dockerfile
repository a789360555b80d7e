# One image for Dataflow's launcher and its workers, and one for a machine of your own (docs/dataflow.md):
#
#   docker build --build-arg VARIANT=cpu --tag beam-kie:cpu .
#   docker build --build-arg VARIANT=cuda --tag beam-kie:cuda .
#   docker build --target machine --tag beam-kie:machine .
#
# Versions are those of constraints.txt (a test compares). Everything is fetched while the image is built; a
# run fetches nothing: OCR models come in a Python package, SER and RE weights with the code.
ARG VARIANT=cpu
ARG PYTHON_VERSION=3.11
ARG PYTHON_PATCH=13
# Extras of pyproject.toml. A run installs nothing: add "paddle" for --ocr_engine paddleocr, which makes the packages 0.35 GB larger.
ARG EXTRAS="s3"
ARG BEAM_VERSION=2.77.0
# Only the program that starts the template is taken from it:
# https://cloud.google.com/dataflow/docs/reference/flex-templates-base-images
ARG LAUNCHER_TAG=flex_templates_base_image_release_20240628_RC00

FROM apache/beam_python${PYTHON_VERSION}_sdk:${BEAM_VERSION} AS beam
FROM gcr.io/dataflow-templates-base/python311-template-launcher-base:${LAUNCHER_TAG} AS launcher

FROM python:${PYTHON_VERSION}.${PYTHON_PATCH}-slim-bookworm AS base-cpu
ENV TORCH_BUILD=cpu

FROM python:${PYTHON_VERSION}.${PYTHON_PATCH}-slim-bookworm AS base-cuda
# CUDA itself comes with PyTorch's packages. 12.6 runs with drivers from 525 on and on GPUs from the P4 to the H100.
# The driver is put into the container by Dataflow, or by Docker's --gpus.
ENV TORCH_BUILD=cu126 \
    VARIANT_EXTRAS=gpu-ocr \
    PATH=/usr/local/nvidia/bin:${PATH} \
    LD_LIBRARY_PATH=/usr/local/nvidia/lib64 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility

FROM base-${VARIANT} AS job
# What OpenCV links to.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

# Packages first: they change less often than the code. The extra paddle brings another build of OpenCV, and both
# write the folder cv2: then the one without windows, which everything is tested with, is written last. Its package
# stays, because paddlex asks for it.
ARG EXTRAS
WORKDIR /opt/beam-kie
COPY pyproject.toml constraints.txt ./
RUN python -c 'import sys, tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; print(*p["dependencies"], *(r for e in sys.argv[1:] for r in p["optional-dependencies"][e]), sep="\n")' ${EXTRAS} ${VARIANT_EXTRAS} > requirements.txt \
    && TORCH="torch==$(sed -n 's/^torch==//p' constraints.txt)+${TORCH_BUILD}" \
    && pip install --no-cache-dir --extra-index-url "https://download.pytorch.org/whl/${TORCH_BUILD}" \
        --constraint constraints.txt --requirement requirements.txt "${TORCH}" \
    && case " ${EXTRAS} " in *" paddle "*) \
        pip install --no-cache-dir --force-reinstall --no-deps --constraint constraints.txt opencv-python-headless ;; esac \
    && pip check \
    && python -c 'import sys, torch; sys.exit((torch.version.cuda is None) != (sys.argv[1] == "cpu"))' "${TORCH_BUILD}"

COPY LICENSE run_pipeline.py ./
COPY beam_kie beam_kie
COPY model_store model_store
COPY transforms transforms

# PYTHONPATH: workers import the code from here. PIP_NO_INDEX: whatever a run would still install is an error.
ENV PYTHONPATH=/opt/beam-kie \
    PYTHONUNBUFFERED=1 \
    PIP_NO_INDEX=1
RUN python -m compileall -q . && python -c 'import transforms.pipeline' && python run_pipeline.py --help > /dev/null

# For one machine, not as root: docker run --rm --volume "$PWD:/data" beam-kie:machine --input /data/scans --output ...
FROM job AS machine
RUN useradd --create-home --uid 10001 kie
# By its number, so that Kubernetes sees that it is not root.
USER 10001
WORKDIR /home/kie
ENTRYPOINT ["python", "/opt/beam-kie/run_pipeline.py"]

# For Dataflow. As root: its launcher writes to /var/log/dataflow, its workers to folders of their host.
FROM job AS dataflow
COPY --from=beam /opt/apache/beam /opt/apache/beam
COPY --from=launcher /opt/google/dataflow/python_template_launcher /opt/google/dataflow/python_template_launcher
# The packages are where Python finds them anyway; a worker need not make an environment of its own.
ENV RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1 \
    FLEX_TEMPLATE_PYTHON_PY_FILE=/opt/beam-kie/run_pipeline.py
ENTRYPOINT ["/opt/apache/beam/boot"]
