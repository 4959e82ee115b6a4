"""The second pass: the rules of deployment. Each module holds rules of one kind and a table of them."""
