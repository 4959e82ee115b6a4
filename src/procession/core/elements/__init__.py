"""Element families of BPMN, one file each, and the table that joins them."""
