"""Run the job: ``python run_pipeline.py --help``."""

import sys

from transforms.launch.commands import main

if __name__ == "__main__":
    sys.exit(main())
