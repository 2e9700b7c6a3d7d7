"""Reports: figures, tables and the page that a reader opens. The only room that draws."""

from .answer import answer as answer
from .bioprocess import PublishedBatch as PublishedBatch
from .bioprocess import batch_figure as batch_figure
from .bioprocess import deviation_report as deviation_report
from .bioprocess import publish_batch as publish_batch
from .language import LANGUAGES as LANGUAGES
from .language import Language as Language
from .legend import Legend as Legend
from .legend import legend_of as legend_of
from .page import page as page
from .plates import Plates as Plates
from .plates import plates as plates
from .publish import Published as Published
from .publish import publish as publish
from .standing import standing_lines as standing_lines
from .tables import console_table as console_table
