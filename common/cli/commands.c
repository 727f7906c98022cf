/* commands.c: the commands. Only main.c uses the list; everybody else is handed it with a struct
 * cli, so that a command may look at the others and no file needs all of them. */
#include "cli/cli.h"

extern const struct cli_command cli_put_command;
extern const struct cli_command cli_get_command;
extern const struct cli_command cli_del_command;
extern const struct cli_command cli_delrange_command;
extern const struct cli_command cli_merge_command;
extern const struct cli_command cli_scan_command;
extern const struct cli_command cli_count_command;
extern const struct cli_command cli_load_command;
extern const struct cli_command cli_dump_command;
extern const struct cli_command cli_datagen_command;
extern const struct cli_command cli_migrate_command;
extern const struct cli_command cli_backup_command;
extern const struct cli_command cli_repair_command;
extern const struct cli_command cli_destroy_command;
extern const struct cli_command cli_compact_command;
extern const struct cli_command cli_info_command;
extern const struct cli_command cli_stats_command;
extern const struct cli_command cli_levels_command;
extern const struct cli_command cli_timeline_command;
extern const struct cli_command cli_verify_command;
extern const struct cli_command cli_inspect_command;
extern const struct cli_command cli_crash_command;
extern const struct cli_command cli_schedule_command;
extern const struct cli_command cli_shell_command;
extern const struct cli_command cli_serve_command;
extern const struct cli_command cli_batch_command;
extern const struct cli_command cli_snapshot_command;
extern const struct cli_command cli_begin_command;
extern const struct cli_command cli_commit_command;
extern const struct cli_command cli_rollback_command;
extern const struct cli_command cli_savepoint_command;
extern const struct cli_command cli_timing_command;
extern const struct cli_command cli_stages_command;
extern const struct cli_command cli_completion_command;
extern const struct cli_command cli_version_command;
extern const struct cli_command cli_help_command;
extern const struct cli_command cli_quit_command;

/* In the order in which help lists them. */
const struct cli_command *const cli_commands[] = {
    &cli_put_command,       &cli_get_command,
    &cli_del_command,       &cli_delrange_command,
    &cli_merge_command,     &cli_scan_command,
    &cli_count_command,     &cli_load_command,
    &cli_dump_command,      &cli_datagen_command,
    &cli_migrate_command,   &cli_backup_command,
    &cli_repair_command,    &cli_destroy_command,
    &cli_compact_command,   &cli_info_command,
    &cli_stats_command,     &cli_levels_command,
    &cli_timeline_command,  &cli_verify_command,
    &cli_inspect_command,   &cli_crash_command,
    &cli_schedule_command,  &cli_shell_command,
    &cli_serve_command,     &cli_batch_command,
    &cli_snapshot_command,  &cli_begin_command,
    &cli_commit_command,    &cli_rollback_command,
    &cli_savepoint_command, &cli_timing_command,
    &cli_stages_command,    &cli_completion_command,
    &cli_version_command,   &cli_help_command,
    &cli_quit_command,      NULL,
};
