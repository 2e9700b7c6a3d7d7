"""Grading: the trainee's cells in one sandbox, the module's tests on their answers in another."""

from .grades import UNANSWERED as UNANSWERED
from .grades import CheckResult as CheckResult
from .grades import Grade as Grade
from .grades import ScoreResult as ScoreResult
from .grades import Verdict as Verdict
from .grades import grades_frame as grades_frame
from .grading import grade_class as grade_class
from .grading import grade_submission as grade_submission
from .submission import Submission as Submission
from .submission import read_submission as read_submission
