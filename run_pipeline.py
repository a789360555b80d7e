"""Run the job: ``python run_pipeline.py --help``."""

import sys

# This file has to be understood by any Python, also by one that is too old for the rest.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.stderr.write(
        "run_pipeline.py: Python 3.11 to 3.14 is needed, and this is {}.{}: use that of the environment, "
        ".venv/bin/python run_pipeline.py (make demo creates it)\n".format(*sys.version_info[:2])
    )
    sys.exit(2)

from transforms.launch.commands import program

if __name__ == "__main__":
    try:
        program()
    except ModuleNotFoundError as error:
        from transforms.launch.environment import missing_module

        sys.exit(missing_module(error))
