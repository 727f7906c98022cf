01_append_log.USES :=
