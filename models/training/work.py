"""Where caches and checkpoints live: never in the repository."""

import os
import tempfile


def work_folder(given=None):
    path = given or os.path.join(tempfile.gettempdir(), "lethe-training")
    os.makedirs(path, exist_ok=True)
    return path
