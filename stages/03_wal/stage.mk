03_wal.USES := 01_append_log 02_hash_index
