"""Search by embeddings: which stored images are most like one."""

from kerascnn.retrieval.folder import index_folder as index_folder
from kerascnn.retrieval.folder import neighbours as neighbours
from kerascnn.retrieval.index import Found as Found
from kerascnn.retrieval.index import Index as Index
