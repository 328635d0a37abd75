"""Blocks: functions from tensor to tensor that name every node, made of Keras' layers and our BatchNormalization."""

from kerascnn.blocks.conv import activate as activate
from kerascnn.blocks.conv import conv as conv
from kerascnn.blocks.conv import normalize as normalize
from kerascnn.blocks.decoder import attention_gate as attention_gate
from kerascnn.blocks.decoder import decoder_block as decoder_block
from kerascnn.blocks.detection_heads import anchor_free_head as anchor_free_head
from kerascnn.blocks.detection_heads import box_head as box_head
from kerascnn.blocks.encoder import encoder_block as encoder_block
from kerascnn.blocks.encoder import stack as stack
from kerascnn.blocks.heads import auxiliary as auxiliary
from kerascnn.blocks.heads import classifier as classifier
from kerascnn.blocks.heads import embedding as embedding
from kerascnn.blocks.heads import global_pool as global_pool
from kerascnn.blocks.inception import inception as inception
from kerascnn.blocks.inception import naive_inception as naive_inception
from kerascnn.blocks.inception_residual import inception_residual as inception_residual
from kerascnn.blocks.map_heads import map_head as map_head
from kerascnn.blocks.pyramid import pyramid as pyramid
from kerascnn.blocks.ranks import layer_of_rank as layer_of_rank
from kerascnn.blocks.ranks import rank_of as rank_of
from kerascnn.blocks.residual import bottleneck as bottleneck
from kerascnn.blocks.residual import preactivation as preactivation
from kerascnn.blocks.residual import residual as residual
from kerascnn.blocks.squeeze_excite import squeeze_excite as squeeze_excite
from kerascnn.blocks.yolo_head import leaky_conv as leaky_conv
from kerascnn.blocks.yolo_head import yolo_head as yolo_head
