import numpy as np
import pytest

from kerascnn import plots

HISTORY = {
    "step": [25, 50, 75],
    "size": [128, 128, 256],
    "loss": [9.0, 3.0, 5.0],
    "content_loss": [1.0, 2.0, 3.0],
    "style_loss": [8.0, 1.0, 2.0],
    "variation_loss": [0.0, 0.0, 0.0],
}


@pytest.mark.parametrize("count", [1, 3])
def test_content_styles_and_result_are_drawn(count, tmp_path):
    content, image = np.zeros((20, 30, 3), "uint8"), np.full((20, 30, 3), 200, "uint8")
    figure = plots.stylization(content, [np.zeros((15, 10, 3))] * count, image)
    panels = [panel for part in figure.subfigs for panel in part.axes]
    assert [panel.get_title("left") for panel in panels] == ["content", *["style"] * count, "result"]
    assert panels[-1].images[0].get_array().tolist() == image.tolist()
    plots.save(figure, tmp_path / "stylized.png")
    assert (tmp_path / "stylized.png").stat().st_size > 1000


def test_losses_are_drawn_over_the_steps_and_sizes_named():
    panel = plots.descent(HISTORY).axes[0]
    labels = {text.get_text() for text in panel.get_legend().get_texts()}
    assert labels == {"sum", "content", "style"}
    assert [text.get_text().strip() for text in panel.texts] == ["128 px", "256 px"]
    assert panel.get_yscale() == "log" and [line.get_xdata().tolist() for line in panel.lines[:2]] == [[25, 50], [75]]
