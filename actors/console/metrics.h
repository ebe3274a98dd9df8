/* metrics.h - the fleet as Prometheus reads it.
 *
 * Use        metrics_text() from what the broker answers to {"ask":"status"} and what the console
 *            counts itself. Pure.
 * Format     The text exposition format 0.0.4: each family once, with HELP and TYPE.
 *            https://prometheus.io/docs/instrumenting/exposition_formats/
 * See        metric_table.h; metrics of jobs and targets have labels of their own and are below. */
#ifndef USHER_METRICS_H
#define USHER_METRICS_H

#include "buf.h"

#include <jansson.h>

/* `status` is NULL while the broker is away: what is known of it is left out, and
 * usher_broker_up is 0. */
void metrics_text(const json_t *status, const json_t *console, struct buf *out);

#endif
