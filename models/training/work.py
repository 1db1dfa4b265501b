"""Where caches and checkpoints live: never in the repository."""

import os
import tempfile


def work_folder(given=None):
    path = given or os.path.join(tempfile.gettempdir(), "lethe-training")
    os.makedirs(path, exist_ok=True)
    return path


def run_folder(work, name):
    """Checkpoints and the log of one training run."""
    path = os.path.join(work, "runs", name)
    os.makedirs(path, exist_ok=True)
    return path
