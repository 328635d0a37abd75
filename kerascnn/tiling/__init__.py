"""Images of any size through a network, tile by tile; a row of tiles is all that has to be in memory."""

from kerascnn.tiling.predicting import predict_tiled as predict_tiled
