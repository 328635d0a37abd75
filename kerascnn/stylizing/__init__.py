"""Images painted anew: what of a network looks at content and style, what is asked of the image, ways down to it."""

from kerascnn.stylizing.colours import as_bright as as_bright
from kerascnn.stylizing.colours import grey as grey
from kerascnn.stylizing.colours import with_colours as with_colours
from kerascnn.stylizing.descent import Adam as Adam
from kerascnn.stylizing.descent import Lbfgs as Lbfgs
from kerascnn.stylizing.objective import PARTS as PARTS
from kerascnn.stylizing.objective import Objective as Objective
from kerascnn.stylizing.objective import objective as objective
from kerascnn.stylizing.painting import Painted as Painted
from kerascnn.stylizing.painting import paint as paint
from kerascnn.stylizing.painting import picture as picture
from kerascnn.stylizing.seeing import extractor as extractor
from kerascnn.stylizing.seeing import suited_layers as suited_layers
