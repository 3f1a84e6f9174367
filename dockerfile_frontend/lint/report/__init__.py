"""One report format a file, each with ``write(reports, out)``; `lint/report/table.py` lists them."""
