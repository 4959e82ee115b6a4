"""Papers: pictures, PDF made of HTML, forms that are filled, signatures. All of it happens in the jail (`jail.py`)."""
