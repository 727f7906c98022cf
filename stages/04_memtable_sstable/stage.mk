04_memtable_sstable.USES := 01_append_log 02_hash_index 03_wal
