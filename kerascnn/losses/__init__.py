"""Losses that Keras lacks."""

from kerascnn.losses.crossentropy import SparseCategoricalCrossentropy as SparseCategoricalCrossentropy
