"""Documents made of a report: terminal, JUnit XML, JSON, HTML, a badge."""
