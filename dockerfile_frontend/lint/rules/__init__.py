"""One rule a file, named after its id in lower case; `lint/table.py` lists them."""
