/* metrics.h: the server's figures and the engine's, as text. Any thread may ask. */
#ifndef STRATA_14_METRICS_H
#define STRATA_14_METRICS_H

#include "14_server/commands/command.h"

/* As Prometheus reads them (its exposition format, version 0.0.4). Errors as strata_stats. */
int metrics_prometheus(struct server_state *server, struct strata_buffer *to,
                       struct strata_error *err);
/* One JSON object: {"server": {NAME: NUMBER, ...}, "engine": {...}}. */
int metrics_json(struct server_state *server, struct strata_buffer *to, struct strata_error *err);

#endif
