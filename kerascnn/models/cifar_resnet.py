"""The ResNets for CIFAR-10 of section 4.2 of He, Zhang, Ren & Sun 2016: 6n + 2 layers in three narrow stages.

The residual blocks change shape by the paper's option A, a shortcut without weights; pass `shortcut="projection"` for
option B. 0.27 million parameters for `resnet20`. All the arguments of `resnet` apply:

>>> from kerascnn.models import resnet20
>>> resnet20((32, 32, 3), 10).name
'resnet20'
>>> resnet20((8, 8, 1), 10, filters=4, kernel_size=5).output_shape
(None, 10)
"""

from functools import partial

from kerascnn.models.resnet import resnet, small_stem

cifar_resnet = partial(resnet, filters=16, stem=small_stem, shortcut="identity")

resnet20 = partial(cifar_resnet, depths=(3, 3, 3), name="resnet20")
resnet32 = partial(cifar_resnet, depths=(5, 5, 5), name="resnet32")
resnet44 = partial(cifar_resnet, depths=(7, 7, 7), name="resnet44")
resnet56 = partial(cifar_resnet, depths=(9, 9, 9), name="resnet56")
resnet110 = partial(cifar_resnet, depths=(18, 18, 18), name="resnet110")
