"""The networks by name: those that give one answer an image, those that answer for each pixel, and autoencoders."""

from collections.abc import Callable

import keras

from kerascnn.models.alexnet import alexnet
from kerascnn.models.autoencoder import conv_autoencoder, dense_autoencoder
from kerascnn.models.cifar_resnet import resnet20, resnet32, resnet44, resnet56, resnet110
from kerascnn.models.convnet import convnet
from kerascnn.models.fastnet import fastnet
from kerascnn.models.fcn import dncnn, fcn
from kerascnn.models.googlenet import googlenet
from kerascnn.models.inception_resnet import inception_resnet_v2
from kerascnn.models.lenet5 import lenet5
from kerascnn.models.mlp import mlp
from kerascnn.models.mnist_cnn import mnist_cnn
from kerascnn.models.resnet import resnet18, resnet34, resnet50, resnet101, resnet152
from kerascnn.models.unet import attention_unet, residual_unet, unet
from kerascnn.models.vgg import vgg11, vgg13, vgg16, vgg19
from kerascnn.models.zfnet import zfnet

Builder = Callable[..., keras.Model]

MODELS: dict[str, Builder] = {
    "fastnet": fastnet,
    "convnet": convnet,
    "mlp": mlp,
    "lenet5": lenet5,
    "mnist_cnn": mnist_cnn,
    "alexnet": alexnet,
    "zfnet": zfnet,
    "vgg11": vgg11,
    "vgg13": vgg13,
    "vgg16": vgg16,
    "vgg19": vgg19,
    "googlenet": googlenet,
    "inception_resnet_v2": inception_resnet_v2,
    "resnet18": resnet18,
    "resnet34": resnet34,
    "resnet50": resnet50,
    "resnet101": resnet101,
    "resnet152": resnet152,
    "resnet20": resnet20,
    "resnet32": resnet32,
    "resnet44": resnet44,
    "resnet56": resnet56,
    "resnet110": resnet110,
}

MAP_MODELS: dict[str, Builder] = {
    "unet": unet,
    "residual_unet": residual_unet,
    "attention_unet": attention_unet,
    "fcn": fcn,
    "dncnn": dncnn,
}

AUTOENCODERS: dict[str, Builder] = {"conv_autoencoder": conv_autoencoder, "dense_autoencoder": dense_autoencoder}

OTHER_JOB = dict.fromkeys(MODELS, "It gives one answer an image: that is for jobs such as classify and finetune.")
OTHER_JOB |= dict.fromkeys(
    MAP_MODELS, "It gives an answer for each pixel: that is for jobs such as segment and denoise."
)
OTHER_JOB |= dict.fromkeys(AUTOENCODERS, "It gives back its image through a code: that is for autoencode.")
