"""What all tests share: a loud line where PyTorch is missing."""


def pytest_terminal_summary(terminalreporter):
    missed = sum(
        "PyTorch is not installed" in str(report.longrepr) for report in terminalreporter.getreports("skipped")
    )
    if missed:
        message = f"NOT RUN: {missed} live comparisons with PyTorch (install torch); its stored results were compared"
        terminalreporter.write_line(message, red=True, bold=True)
