from kerascnn import plots
from kerascnn.callbacks import Log, Progress
from kerascnn.callbacks.log import table


def run(callback, epochs):
    for epoch, logs in enumerate(epochs):
        callback.on_epoch_begin(epoch)
        callback.on_test_begin()
        callback.on_epoch_end(epoch, logs)


def test_the_file_holds_every_epoch(tmp_path):
    log = Log(tmp_path / "history.csv")
    run(log, [{"loss": 2.0, "val_loss": 3.0}, {"loss": 1.0, "val_loss": 2.5}])
    assert (tmp_path / "history.csv").read_text() == "epoch,loss,val_loss\n1,2.0,3.0\n2,1.0,2.5\n"
    assert len(log.seconds) == 2


def test_a_restored_log_goes_on():
    log, later = Log(), Log()
    run(log, [{"loss": 2.0}])
    later.restore(log.state())
    run(later, [{"loss": 1.0}])
    assert table(later.history) == "epoch,loss\n1,2.0\n2,1.0\n"


def test_the_waits_of_an_epoch_end_where_validation_begins():
    seconds = iter([1.0, 1.5, 4.0, 4.25])  # validation waits too, from 1.5 to 4
    log = Log(waited=lambda: next(seconds))
    run(log, [{"loss": 2.0}, {"loss": 1.0}])
    assert log.waits == [0.5, 0.25]
    later = Log(waited=lambda: 0.0)
    later.restore(log.state())
    run(later, [{"loss": 0.5}])
    assert later.waits == [0.5, 0.25, 0.0] and len(later.seconds) == 3
    later.restore({"history": {}, "seconds": []})  # of a version that did not measure them
    assert later.waits == []


def test_a_figure_of_some_epochs_is_empty_in_the_others(tmp_path):
    log = Log(tmp_path / "history.csv")
    run(log, [{"loss": 2.0}, {"loss": 1.0, "extra": 7.0}, {"loss": 0.5}])
    assert (tmp_path / "history.csv").read_text() == "epoch,loss,extra\n1,2.0,\n2,1.0,7.0\n3,0.5,\n"
    assert table({"loss": [2.0, 1.0], "extra": [7.0]}) == "epoch,loss,extra\n1,2.0,7.0\n2,1.0,\n"
    assert plots.curves(log.history).axes


def test_progress_writes_one_line_an_epoch_without_a_terminal(tmp_path):
    first, second = shown(tmp_path / "out", live=False).splitlines()
    assert first.startswith("epoch 1/2  loss 0.5000  val accuracy 0.2500  seconds ")
    assert second.startswith("epoch 2/2  loss 0.2500")


def test_the_live_table_shows_epochs_and_ends(tmp_path):
    text = shown(tmp_path / "out", live=True)
    assert "val accuracy" in text and "2/2" in text and "0.2500" in text


def shown(path, live):
    """What two epochs look like in a file."""
    with open(path, "w") as stream:
        progress = Progress(2, 100, live=live, stream=stream)
        progress.set_params({"steps": 4})
        progress.on_train_begin()
        run_with_progress(progress)
        progress.on_train_end()
        progress.close()  # a second time does no harm
    return path.read_text()


def run_with_progress(progress):
    for epoch, loss in enumerate((0.5, 0.25)):
        progress.on_epoch_begin(epoch)
        progress.on_train_batch_end(0, {"loss": loss})
        progress.on_epoch_end(epoch, {"loss": loss, "val_accuracy": 0.25})
