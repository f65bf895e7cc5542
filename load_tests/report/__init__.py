"""Reports: one run as a page that a person can read without us, and runs side by side.

Data go one way: a record (`load_tests.results`) becomes sentences (words) and plots as data (charts, node_metrics,
percentiles), these become elements of a page (chart, document), and page and comparison put them in order.
"""

from load_tests.report.compared import ComparisonFault
from load_tests.report.comparison import compare
from load_tests.report.page import write_report

__all__ = ["ComparisonFault", "compare", "write_report"]
