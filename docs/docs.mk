# The book. Every block in it is taken from the sources or from a command: see docs/tools/docs.pl.

.PHONY: docs docs-check
docs: all ## refresh every extract, dump, table and transcript in the book
	@B=$B docs/tools/docs.pl write
docs-check: all ## fail when a block of the book is stale, or a link or a name leads nowhere
	@B=$B docs/tools/docs.pl check
