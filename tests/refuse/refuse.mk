# build/refuse/strata: the program, one call of which fails on request; see refuse.c.

REFUSED := main malloc calloc realloc strdup strndup fsync fstat64 read fdopen fflush fclose unlink getrandom poll pthread_mutex_init pthread_cond_init
$B/refuse/strata: $B/tests/refuse/refuse.o $(CLI) $(TOOLS) $(LIB_A)
	@mkdir -p $(@D)
	$(call say,LINK,$@) $(CC) $(CFLAGS) $(SAN) -rdynamic -o $@ $(filter %.o,$^) $(foreach f,$(REFUSED),-Wl,--wrap=$f) -Wl,--whole-archive $(LIB_A) -Wl,--no-whole-archive $(LDFLAGS) $(LIBS) $(CLI_LIBS)
tests-build: $B/refuse/strata
