/* clock.h - time, read at the edges only: pure cores take it as a parameter.
 *
 * Use        wall time (ms since 1970, UTC) stamps events; monotonic time measures delays. */
#ifndef USHER_CLOCK_H
#define USHER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { CLOCK_TEXT_BYTES = 32 };

int64_t clock_wall_ms(void);
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* "2026-11-23T10:00:00Z", with ".123" before the Z when the milliseconds are not zero.
 * Returns `text`, which holds CLOCK_TEXT_BYTES. */
const char *clock_rfc3339(int64_t wall_ms, char *text);

/* Reads what clock_rfc3339 writes, an RFC 3339 time with offset, or plain unix seconds. */
bool clock_parse(const char *text, int64_t *wall_ms);

/* Reads "250ms", "5s", "10m", "72h" or "30d" into milliseconds. */
bool clock_parse_duration(const char *text, int64_t *ms);

#endif
