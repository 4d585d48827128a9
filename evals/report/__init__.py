"""Reports of a run: an HTML page for people, Markdown for a pull request, JSON for programs."""

from evals.report.run_files import ReportError
from evals.report.write import as_html, as_json, as_markdown, write_report

__all__ = ["ReportError", "as_html", "as_json", "as_markdown", "write_report"]
