# The benchmark driver, and the tour, which measures with it.

COMMA := ,
SPACE := $() $()
LAYOUT_SRC := bench/block_layouts.c
BENCH_SRC := $(foreach d,driver workload results,$(wildcard bench/$d/*.c))
MEMTABLES := $(patsubst %.c,$B/%.o,$(wildcard bench/memtables/*.c))
# A peer is measured where its header is found.
HEADER.leveldb := leveldb/c.h
HEADER.rocksdb := rocksdb/c.h
HEADER.lmdb    := lmdb.h
HEADER.sqlite  := sqlite3.h
HEADER.tkrzw   := tkrzw_langc.h
# One run of the preprocessor asks for all of them: every make does that.
ask_for = \#if __has_include(<$(HEADER.$1)>)\npeer $1\n\#endif\n
ALL_PEERS := leveldb rocksdb lmdb sqlite tkrzw
PEERS     := $(filter $(ALL_PEERS),$(shell printf '$(foreach p,$(ALL_PEERS),$(call ask_for,$p))' | $(CC) -E -P -x c - 2>/dev/null))
PEER_LIBS := $(patsubst -lsqlite,-lsqlite3,$(PEERS:%=-l%))
PEER_OBJ  := $(patsubst %,$B/bench/peers/%.o,strata $(PEERS) $(if $(filter rocksdb,$(PEERS)),rocksdb_about))
BENCHES   := $(addprefix $B/bench/,strata-bench tour_writer strata-memtables peak block_layouts difficult_keys snapshots transactions)

include $(wildcard bench/*/*.mk)
$(foreach d,driver workload results,$B/bench/$d/%.o): ALL_CFLAGS += -Ibench

$B/bench/strata-bench: $(BENCH_SRC:%.c=$B/%.o) $(PEER_OBJ) $(LIMIT_OBJ) $(LIB_A)
$B/bench/tour_writer: $B/bench/tour_writer.o $(LIB_A)
$B/bench/strata-memtables: $(MEMTABLES) $B/common/cli/output/progress.o $B/common/cli/output/human.o $(LIB_A)
$B/bench/peak: $B/bench/peak.o $(LIB_A)
$B/bench/block_layouts: $(LAYOUT_SRC:%.c=$B/%.o) $(LIB_A)
$B/bench/difficult_keys: $B/bench/difficult_keys.o $(LIB_A)
$B/bench/snapshots: $B/bench/snapshots.o $(LIB_A)
$B/bench/transactions: $B/bench/transactions.o $B/bench/transactions_rocksdb.o $(LIB_A)
$B/bench/transactions: LIBS += $(filter -lrocksdb,$(PEER_LIBS))
$B/bench/transactions_rocksdb.o: ALL_CFLAGS += $(if $(filter rocksdb,$(PEERS)),-DPEER_ROCKSDB)
$B/bench/transactions_rocksdb.o: $B/peers.txt
$B/bench/strata-bench: LIBS += $(PEER_LIBS)
$B/bench/driver/engines.o: ALL_CFLAGS += $(foreach p,$(PEERS),-DPEER_$(shell echo $p | tr a-z A-Z))
$B/bench/driver/engines.o: $B/peers.txt
$B/peers.txt: FORCE
	@mkdir -p $(@D); echo $(PEERS) | cmp -s - $@ || echo $(PEERS) > $@
$B/tests/unit/bench_os_test: $B/bench/driver/os.o
$B/tests/unit/bench_os_test: LDFLAGS += $B/bench/driver/os.o
$B/tests/unit/bench_os_test.o: ALL_CFLAGS += -Ibench
$B/bench/libtext.a: $(call objs,common/text)
	@mkdir -p $(@D)
	$(call say,AR,$@) rm -f $@ && ar rcs $@ $^
$(BENCHES): $B/bench/libtext.a
	$(call say,LINK,$@) $(CC) $(CFLAGS) $(SAN) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LDFLAGS) $(LIBS)

.PHONY: bench bench-plot bench-record bench-goals bench-parts tour bench-build
bench-build: $B/strata $(BENCHES)
tests-build: bench-build
compile: $(PEER_OBJ) $(patsubst %.c,$B/%.o,$(filter-out bench/peers/%,$(wildcard bench/*.c bench/*/*.c)))

# ---- Side by side ------------------------------------------------------------------------------
#
# The databases are made in the build directory: /tmp may be memory, where a sync costs nothing. What
# a machine has not of the peers is left out. With RECORD=1 results, and what is printed, go to
# docs/bench, of which docs/numbers.md is made. Before each turn the machine is to be quiet: QUIET=60 seconds
# are waited for that at most, in all; then the table says LOADED.

SIDES := fillseq,open,reopen,fillbatch,fillsync,fillsync8,fill100K,fillrandom,overwrite,filluniquerandom,settle,close,verify,readseq,readreverse,readrandom,readmissing,readhot,seekrandom,readmapped,seekmapped,readsmallcache,readsmallmapped,readwhilewriting,overwritetenth,compact,deleterandom,openafterkill,putafterkill,verify,ycsbload,ycsba,ycsbb,ycsbc,ycsbd,ycsbe,ycsbf
LARGE := fillseq,open,reopen,filluniquerandom,settle,close,verify,readseq,readreverse,readrandom,readmissing,seekrandom,readmapped,seekmapped,readsmallcache,overwritetenth,compact,overwrite,openafterkill,putafterkill,verify,ycsbload,ycsba,ycsbb,ycsbc,ycsbd,ycsbe,ycsbf
STEPS := fillseq,fillbatch,fillsync,fillrandom,filluniquerandom,readrandom,readmissing,seekrandom,readseq,readreverse,overwrite,deleterandom,compact,open,openafterkill
GROWS := filluniquerandom,settle,verify,readrandom,readmissing,seekrandom,readseq,overwrite
OLDER := fillseq,open,fillbatch,close,filluniquerandom,compact,verify,readrandom,readmissing,readseq,readreverse,seekrandom,readsmallcache,readsmallmapped
LEVEL := filluniquerandom,settle,close,verify,readseq,readreverse,readrandom,readmissing,seekrandom,readmapped,seekmapped,overwritetenth,compact,verify
FULLS := ops_per_s,load_ops_per_s,p999_us,write_amp,space_amp
LOADS := load_ops_per_s,ops_per_s,load_cpu_us_per_op,p50_us,p99_us,p999_us,max_us,write_amp,write_amp_by_calls,space_amp,disk_bytes,rss_mb,rss_mapped_mb

OUT   := $(if $(RECORD),docs/bench,$B/bench)
comma_list = $(subst $(SPACE),$(COMMA),$(strip $1))
# ENGINES TURNS KEYS WORKLOADS NAME OPTIONS
side_by_side = mkdir -p $(OUT) && TMPDIR=$B/bench $B/bench/strata-bench --engines=$1 --turns=$2 --num=$3 --benchmarks=$(or $(WORKS),$4) --json=$(OUT)/$5.json --quiet=$(or $(QUIET),60) $6 $(if $(RECORD),>$(OUT)/$5.txt) && echo && echo "written: $(OUT)/$5.json"
which = $(or $(call comma_list,$(WHICH)),$1)
turns = $(or $(TURNS),$1)
# Of these what this build has, when it comes to it: some of them are installed first.
built = $$(for e in $1; do if $B/bench/strata-bench --engines=$$e --help >/dev/null 2>&1; then echo $$e; fi; done | paste -sd,)
some  = leveldb$(COMMA)newest$(COMMA)lmdb
draw  = FROM=$(OUT) TO=$(or $(TO),$(OUT)) bench/plot.sh || echo "nothing is drawn"

.PHONY: bench-peers-installed
bench-peers-installed: install-build
	@for group in peers more-peers rocksdb; do tests/tools/install.sh $$group || echo "left out: $$group"; done
	@$(MAKE) --no-print-directory bench-build

SETS  := full stairs sizes peers levels growth limits
GOALS := costs open large
PARTS := layouts keys memtables snapshots transactions
# Each set is a target, bench-set-NAME, below.
.PHONY: $(addprefix bench-set-,quick stage $(SETS) $(GOALS) $(PARTS))
one_of = $(if $(filter $1,$2),$1,$(error there is no SET=$1; there are: $2))
bench: ## the newest stage beside LevelDB and other engines, minutes; one stage alone [STAGE=N]; another set of workloads [SET=full|stairs|sizes|peers|levels|growth|limits] [N=100000] [TURNS=3] [WHICH=all] [WORKS=...]
	@$(MAKE) --no-print-directory bench-set-$(if $(SET),$(call one_of,$(SET),$(SETS)),$(if $(STAGE),stage,quick))
bench-goals: ## the goals of stages 2 to 4 at their own size, some minutes [SET=costs|open|large] [STAGE=N] [RUNS=3] [KEYS=10000000]
	@$(MAKE) --no-print-directory bench-set-$(call one_of,$(or $(SET),costs),$(GOALS))
bench-parts: ## parts of an engine by themselves [SET=layouts|keys|memtables|snapshots|transactions] [ENTRIES=1000000] [RUNS=3]
	@$(MAKE) --no-print-directory bench-set-$(call one_of,$(or $(SET),layouts),$(PARTS))
bench-plot: ## pictures of what these have written [TO=docs/bench]
	@FROM=$(OUT) TO=$(or $(TO),$(OUT)) bench/plot.sh
bench-record: ## full, sizes, peers and stairs into docs/bench, and so into docs/numbers.md: two to three hours on a quiet machine [N=1000000] [LARGE_N=10000000] [SIZES=...] [TURNS=3] [WHICH=...]
	@$(MAKE) --no-print-directory bench-set-full bench-set-sizes bench-set-peers RECORD=1
	@$(MAKE) --no-print-directory bench-set-stairs N= RECORD=1
	@B=$B docs/tools/docs.pl write docs/numbers.md

# The newest stage beside all others.
bench-set-quick: bench-peers-installed
	@$(call side_by_side,$(call which,all),$(call turns,3),$(or $(N),100000),$(SIDES),results,--seconds=10 --limits)
	@$(draw)

# One stage by itself.
bench-set-stage: install-build
	@$(MAKE) --no-print-directory bench-build
	@TMPDIR=$B/bench $B/bench/strata-bench --stage=$(STAGE) --seconds=2 --json=$B/bench/results.json && echo && echo "written: $B/bench/results.json"
	@B=$B STAGE=$(STAGE) RUNS=$(RUNS) TMPDIR=$B/bench bench/costs.sh quick

# Beside LevelDB, LMDB and RocksDB with a million keys, then beside LevelDB and RocksDB with ten million: an hour [N=1000000] [LARGE_N=10000000] [READS=500000] [TURNS=3] [WHICH=...] [WORKS=...]
bench-set-full: bench-peers-installed
	@$(call side_by_side,$(call which,$(call built,leveldb newest lmdb rocksdb)),$(call turns,3),$(or $(N),1000000),$(SIDES),results,--reads=$(or $(READS),500000) --seconds=60 --limits --figures=$(FULLS))
	@$(call side_by_side,$(call which,$(call built,leveldb newest rocksdb)),$(call turns,2),$(or $(LARGE_N),10000000),$(LARGE),results-large,--reads=$(or $(READS),500000) --seconds=600 --limits --figures=$(FULLS))
	@$(draw)

# Every stage at the same work, never synced: what each brought [N=100000] [TURNS=3] [WORKS=...]
bench-set-stairs: bench-peers-installed
	@$(call side_by_side,stages,$(call turns,3),$(or $(N),100000),$(STEPS),stairs,--seconds=2 --figures=ops_per_s)
	@$(draw)

# How speed, and what an operation costs, change with the number of keys [SIZES='10000 100000 1000000 10000000 30000000'] [TURNS=1] [WHICH=leveldb,newest,lmdb]
bench-set-sizes: bench-peers-installed
	@rm -f $(OUT)/sizes-*
	@for n in $(or $(SIZES),10000 100000 1000000 10000000 30000000); do $(call side_by_side,$(call which,$(some)),$(call turns,1),$$n,$(GROWS),sizes-$$n,--reads=$(or $(READS),200000) --seconds=600) || exit 1; done
	@$(if $(RECORD),rm -f $(OUT)/sizes-*.txt)
	@FROM=$(OUT) bench/growth.sh
	@$(draw)

# Stages 4 and 5 beside LevelDB, in turns, minutes [N=1000000] [RUNS=3] [CHECK=1]
bench-set-peers: install-build install-peers
	@$(MAKE) --no-print-directory bench-build
	@$(call side_by_side,leveldb$(COMMA)4$(COMMA)5,$(or $(RUNS),$(call turns,3)),$(or $(N),1000000),$(OLDER),peers,--reads=$(or $(READS),500000) --seconds=60 --figures=ops_per_s$(COMMA)p50_us$(COMMA)cpu_us_per_op$(COMMA)disk_bytes $(if $(CHECK),--check_reads))

# (RocksDB is optional: without it there is a column less.)
# A random load and what it leaves: amplifications, latencies, reads, compaction, beside LevelDB and RocksDB [N=1000000] [GETS=N/2] [TURNS=3] [WHICH='leveldb rocksdb 6'] [CACHE=256] [CHECK=1]
bench-set-levels: install-build install-peers
	@tests/tools/install.sh rocksdb || echo "RocksDB is left out"
	@$(MAKE) --no-print-directory bench-build
	@$(call side_by_side,$(call which,$(call built,leveldb rocksdb newest)),$(call turns,3),$(or $(N),1000000),$(LEVEL),levels,--reads=$(or $(GETS),$$(($(or $(N),1000000) / 2))) --cache_size=$$(($(or $(CACHE),256) << 20)) --seconds=3600 --figures=$(LOADS) $(if $(CHECK),--check_reads))

# What an operation costs in blocks, filter probes and comparisons, from few keys to many: a table and a plot [SIZES='1000000 3000000 10000000 30000000'] [STAGE=6] [TO=build/bench/growth]
bench-set-growth: install-build
	@$(MAKE) --no-print-directory bench-build
	@rm -rf $B/bench/growth && mkdir $B/bench/growth
	@for n in $(or $(SIZES),1000000 3000000 10000000 30000000); do $(call side_by_side,$(or $(STAGE),newest),1,$$n,$(GROWS),growth/sizes-$$n,--reads=$(or $(GETS),100000) --seconds=3600) || exit 1; done
	@FROM=$B/bench/growth TO=$(or $(TO),$B/bench/growth) bench/growth.sh
	@FROM=$B/bench/growth TO=$(or $(TO),$B/bench/growth) bench/plot.sh

# ---- Goals, and parts by themselves -------------------------------------------------------------

# The goals of stages 2 and 3 at their own size, some minutes [STAGE=N] [RUNS=3]
bench-set-costs: install-build
	@$(MAKE) --no-print-directory bench-build
	@B=$B STAGE=$(STAGE) RUNS=$(RUNS) TMPDIR=$B/bench bench/costs.sh full

# What opening costs with and without hints and checkpoint [STAGE=N] [RUNS=3]
bench-set-open: install-build
	@$(MAKE) --no-print-directory bench-build
	@B=$B STAGE=$(STAGE) RUNS=$(RUNS) TMPDIR=$B/bench bench/costs.sh opens

# Ten million keys: what load, open and scan need of memory [STAGE=N] [KEYS=10000000]
bench-set-large: install-build
	@$(MAKE) --no-print-directory bench-build
	@B=$B STAGE=$(STAGE) KEYS=$(KEYS) TMPDIR=$B/bench bench/large.sh

# Layouts of a block side by side, and the parts of a cached read [ENTRIES=1000000]
bench-set-layouts: install-build
	@$(MAKE) --no-print-directory -s $B/bench/block_layouts
	@$B/bench/block_layouts $(ENTRIES)

# What index and filter take for difficult keys, and what bits of a filter buy, beside theory
bench-set-keys: install-build
	@$(MAKE) --no-print-directory -s $B/bench/difficult_keys
	@TMPDIR=$B/bench $B/bench/difficult_keys
	@echo && $B/bench/difficult_keys bits

# What long-lived snapshots cost writes, reads and space [ENTRIES=200000]
bench-set-snapshots: install-build
	@$(MAKE) --no-print-directory -s $B/bench/snapshots
	@TMPDIR=$B/bench $B/bench/snapshots $(ENTRIES)

# What transactions cost, and ten hot keys with and without locks [ENTRIES=200000]
bench-set-transactions: install-build
	@$(MAKE) --no-print-directory -s $B/bench/transactions
	@TMPDIR=$B/bench $B/bench/transactions $(ENTRIES)

# Memtables: skip list, B+tree, append leaves, unsorted log: insert, get, scan at 4 and 64 MiB [RUNS=3]
bench-set-memtables: install-build
	@$(MAKE) --no-print-directory bench-build
	@$B/bench/strata-memtables $(if $(RUNS),--runs=$(RUNS))

tour: ## real data through every stage: loaded, killed, restarted, measured [STAGE=N] [KEEP=1] [NO_INSTALL=1]
	@tests/tools/install.sh build shell server http tour
	@$(MAKE) --no-print-directory bench-build
	@B=$B STAGE=$(STAGE) KEEP=$(KEEP) bench/tour.sh
