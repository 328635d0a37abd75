"""Backbones: networks trained on ImageNet, with their own preprocessing; transfer of weights; freezing by stages."""

from kerascnn.backbones.building import backbone as backbone
from kerascnn.backbones.detector import detector_on as detector_on
from kerascnn.backbones.embedder import embedder as embedder
from kerascnn.backbones.encoding import encoder_stages as encoder_stages
from kerascnn.backbones.freezing import freeze as freeze
from kerascnn.backbones.freezing import layer_rates as layer_rates
from kerascnn.backbones.freezing import stages as stages
from kerascnn.backbones.freezing import unfreeze as unfreeze
from kerascnn.backbones.localizer import localizer_on as localizer_on
from kerascnn.backbones.table import BACKBONES as BACKBONES
from kerascnn.backbones.table import Backbone as Backbone
from kerascnn.backbones.taps import features as features
from kerascnn.backbones.transfer import Transferred as Transferred
from kerascnn.backbones.transfer import transfer as transfer
from kerascnn.backbones.trunk import trunk as trunk
from kerascnn.backbones.unet import unet_on as unet_on
