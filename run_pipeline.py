"""Run the job: ``python run_pipeline.py --help``."""

import sys

from transforms.launch.cli import main

if __name__ == "__main__":
    sys.exit(main())
