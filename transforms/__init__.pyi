from transforms.extract import Extracted as Extracted
from transforms.extract import ExtractKeyValues as ExtractKeyValues
