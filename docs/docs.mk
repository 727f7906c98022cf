# The book. Every block in it is taken from the sources or from a command: see docs/tools/docs.pl; so
# are the man pages: docs/tools/man.pl.

.PHONY: docs docs-check docs-record docs-build
docs-build: all $(ENGINES) $(if $(wildcard bench/bench.mk),bench-build) $(filter $B/tests/stages/%,$(TEST_BIN)) $(filter $B/tests/contract/% $B/tests/crash/%,$(TEST_BIN))
docs: docs-build ## refresh every extract, dump, table and transcript in the book, and the man pages
	@B=$B docs/tools/man.pl write
	@B=$B docs/tools/docs.pl write
docs-check: docs-build ## fail when a block of the book is stale, or a link or a name leads nowhere [NO_LONG=1: not what takes minutes]
	@export B=$B; docs/tools/docs.pl check && docs/tools/man.pl check
docs-record: docs-build $(patsubst %,$B/tests/crash/%,faults bits kill_real) ## measure anew what docs/numbers.md and docs/crash say of this machine (an hour) [ONLY=large: whose command matches]
	@B=$B docs/tools/docs.pl record

# The docs as a site, by pandoc: docs/site/book.sh says how.
.PHONY: book
book: install-book all ## the book as a site, build/book/index.html, to be read without a network
	@B=$B docs/site/book.sh
