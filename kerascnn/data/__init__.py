"""Everything that knows tf.data and tfds: read images of any kind, check them, split them, batch them."""

from kerascnn.data.batching import batches as batches
from kerascnn.data.batching import plain_batches as plain_batches
from kerascnn.data.batching import retargeted as retargeted
from kerascnn.data.batching import sample as sample
from kerascnn.data.batching import steps_per_epoch as steps_per_epoch
from kerascnn.data.batching import suited_batch_size as suited_batch_size
from kerascnn.data.borders import border_weights as border_weights
from kerascnn.data.boxes import fit_boxes as fit_boxes
from kerascnn.data.boxes import unfit_boxes as unfit_boxes
from kerascnn.data.corrupting import with_noise as with_noise
from kerascnn.data.dataset import Data as Data
from kerascnn.data.dataset import Source as Source
from kerascnn.data.images import fit as fit
from kerascnn.data.images import read_image as read_image
from kerascnn.data.loading import load as load
from kerascnn.data.remembering import remembered as remembered
from kerascnn.data.remembering import without_test as without_test
from kerascnn.data.repeating import first_batch as first_batch
from kerascnn.data.repeating import repeated as repeated
from kerascnn.data.scenes import Scene as Scene
from kerascnn.data.scenes import Scenes as Scenes
from kerascnn.data.waiting import InputClock as InputClock
from kerascnn.data.writing import write_image as write_image
from kerascnn.data.writing import write_mask as write_mask
