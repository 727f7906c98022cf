# The crash tests' own programs. What the tests share stands in tests/support and
# common/crash.

KILL_LIB := $B/tests/crash/kill_loop.o

$B/tests/crash/kill_real_test $B/tests/crash/kill_real: $B/tests/crash/%: $B/tests/crash/%.o $(KILL_LIB) $(TEST_LIB) $(LIB_A)
	$(call say,LINK,$@) $(CC) $(CFLAGS) $(SAN) -rdynamic -o $@ $< $(KILL_LIB) $(TEST_LIB) -Wl,--whole-archive $(LIB_A) -Wl,--no-whole-archive $(LDFLAGS) $(TEST_LIBS)

kill: install-test ## kill -9 a writer on the real file system, again and again [STAGE=N] [TIMES=20]
	@$(MAKE) --no-print-directory $B/tests/crash/kill_real
	@STRATA_STAGE=$(STAGE) $B/tests/crash/kill_real --times $(or $(TIMES),20)

tests-build: $B/tests/crash/kill_real

# Every allocation of the library goes through the test. (A shared object's own do not.)
$B/tests/crash/memory_test: LDFLAGS += $(foreach f,malloc calloc realloc strdup strndup free,-Wl,--wrap=$f)
