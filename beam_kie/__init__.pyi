from beam_kie.document import DocumentError as DocumentError
from beam_kie.reading.document import read as read
from beam_kie.reading.models import release_models as release_models
from beam_kie.reading.options import ReadOptions as ReadOptions
from beam_kie.reading.results import ReadDocument as ReadDocument

__version__: str
