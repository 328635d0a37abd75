"""Models: functions `name(image_shape, classes, ...) -> keras.Model`, and the table of their names."""

from kerascnn.layers.detecting import (
    Detector as Detector,  # there, so that saved ones are known wherever runs are loaded
)
from kerascnn.models.alexnet import alexnet as alexnet
from kerascnn.models.auxiliary import Auxiliary as Auxiliary
from kerascnn.models.cifar_resnet import cifar_resnet as cifar_resnet
from kerascnn.models.cifar_resnet import resnet20 as resnet20
from kerascnn.models.cifar_resnet import resnet32 as resnet32
from kerascnn.models.cifar_resnet import resnet44 as resnet44
from kerascnn.models.cifar_resnet import resnet56 as resnet56
from kerascnn.models.cifar_resnet import resnet110 as resnet110
from kerascnn.models.convnet import convnet as convnet
from kerascnn.models.detector import small_detector as small_detector
from kerascnn.models.embedding import pair_model as pair_model
from kerascnn.models.embedding import siamese as siamese
from kerascnn.models.embedding import triplet_model as triplet_model
from kerascnn.models.embedding import with_centres as with_centres
from kerascnn.models.fastnet import fastnet as fastnet
from kerascnn.models.fcn import dncnn as dncnn
from kerascnn.models.fcn import fcn as fcn
from kerascnn.models.googlenet import googlenet as googlenet
from kerascnn.models.inception_resnet import inception_resnet_v2 as inception_resnet_v2
from kerascnn.models.lenet5 import lenet5 as lenet5
from kerascnn.models.mlp import mlp as mlp
from kerascnn.models.mnist_cnn import mnist_cnn as mnist_cnn
from kerascnn.models.registry import build as build
from kerascnn.models.registry import build_map as build_map
from kerascnn.models.registry import describe as describe
from kerascnn.models.resnet import photo_stem as photo_stem
from kerascnn.models.resnet import resnet as resnet
from kerascnn.models.resnet import resnet18 as resnet18
from kerascnn.models.resnet import resnet34 as resnet34
from kerascnn.models.resnet import resnet50 as resnet50
from kerascnn.models.resnet import resnet101 as resnet101
from kerascnn.models.resnet import resnet152 as resnet152
from kerascnn.models.resnet import small_stem as small_stem
from kerascnn.models.starts import whitened as whitened
from kerascnn.models.tables import MAP_MODELS as MAP_MODELS
from kerascnn.models.tables import MODELS as MODELS
from kerascnn.models.unet import attention_unet as attention_unet
from kerascnn.models.unet import residual_unet as residual_unet
from kerascnn.models.unet import unet as unet
from kerascnn.models.vgg import vgg as vgg
from kerascnn.models.vgg import vgg11 as vgg11
from kerascnn.models.vgg import vgg13 as vgg13
from kerascnn.models.vgg import vgg16 as vgg16
from kerascnn.models.vgg import vgg19 as vgg19
from kerascnn.models.views import VIEWS as VIEWS
from kerascnn.models.views import averaged as averaged
from kerascnn.models.yolo import fast_yolo as fast_yolo
from kerascnn.models.yolo import yolo as yolo
from kerascnn.models.zfnet import zfnet as zfnet
