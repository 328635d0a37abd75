"""The trials of a sweep for TensorBoard's HParams page."""

import time
from pathlib import Path

from kerascnn.tuning.trials import Trial


def log(trial: Trial, objective: str, folder: Path) -> None:
    """Writes the values and the score of a finished trial below `folder`, unless they are there already."""
    from tensorboard.compat.proto import event_pb2, summary_pb2
    from tensorboard.plugins.hparams import api
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    place = folder / f"{trial.number:04d}"
    if trial.status != "finished" or place.exists():
        return
    writer = EventFileWriter(str(place))
    score = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=objective, simple_value=trial.score)])
    for summary in (api.hparams_pb(dict(trial.values), trial_id=place.name), score):
        writer.add_event(event_pb2.Event(wall_time=time.time(), step=trial.epochs or 0, summary=summary))
    writer.close()
