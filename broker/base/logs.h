/* logs.h - one JSON object a line on stderr.
 *
 * Use        logs_open("crm", NULL) once; then
 *            logs_write(LOGS_INFO, "synced", "member", id, "event", event_id, NULL).
 *            Fields are pairs of text; the list ends with NULL; a NULL value is left out.
 * Promise    Never a body, an address or a secret: callers pass ids (event, member, trace).
 *            One write(2) a line; a line longer than 4 KiB is cut.
 * Threads    Any. */
#ifndef USHER_LOGS_H
#define USHER_LOGS_H

enum logs_level { LOGS_DEBUG, LOGS_INFO, LOGS_WARN, LOGS_ERROR };

/* `level` is "debug", "info", "warn" or "error"; NULL means "info". */
void logs_open(const char *program, const char *level);

void logs_write(enum logs_level level, const char *message, ...) __attribute__((sentinel));

/* As logs_write at LOGS_ERROR, plus the words of errno. */
void logs_errno(const char *message, ...) __attribute__((sentinel));

#endif
