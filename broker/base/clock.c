#include "clock.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MS_PER_SECOND = 1000, SECONDS_PER_MINUTE = 60, DURATION_MS_MAX_YEARS = 100 };

static int64_t now_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
    return now_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_ms(void)
{
    return now_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

const char *clock_rfc3339(int64_t wall_ms, char *text)
{
    int64_t part = wall_ms % MS_PER_SECOND;
    time_t seconds = (time_t)(wall_ms / MS_PER_SECOND);
    if (part < 0) {
        part += MS_PER_SECOND;
        seconds--;
    }
    struct tm parts;
    if (!gmtime_r(&seconds, &parts)) {
        seconds = 0;
        gmtime_r(&seconds, &parts);
    }
    size_t len = strftime(text, CLOCK_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
    if (part) {
        snprintf(text + len, CLOCK_TEXT_BYTES - len, ".%03dZ", (int)part);
    } else {
        snprintf(text + len, CLOCK_TEXT_BYTES - len, "Z");
    }
    return text;
}

/* The fraction of a second at *text (".5", ".123456") in ms; moves *text behind it. */
static int64_t fraction_ms(const char **text)
{
    int64_t ms = 0;
    if (**text == '.') {
        int64_t scale = 100;
        for ((*text)++; isdigit((unsigned char)**text); (*text)++) {
            ms += (**text - '0') * scale;
            scale /= 10;
        }
    }
    return ms;
}

bool clock_parse(const char *text, int64_t *wall_ms)
{
    char *end = NULL;
    long long seconds = strtoll(text, &end, 10);
    if (end != text && *end == '\0') {
        *wall_ms = seconds * MS_PER_SECOND;
        return true;
    }
    struct tm parts = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (!rest) {
        return false;
    }
    int64_t ms = fraction_ms(&rest);
    int offset_minutes = 0;
    if (*rest == '+' || *rest == '-') {
        int hours, minutes, used = 0;
        if (sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2) {
            return false;
        }
        offset_minutes = (hours * 60 + minutes) * (*rest == '-' ? -1 : 1);
        rest += 1 + used;
    } else if (*rest == 'Z' || *rest == 'z') {
        rest++;
    } else {
        return false;
    }
    if (*rest) {
        return false;
    }
    *wall_ms =
        ((int64_t)timegm(&parts) - (int64_t)offset_minutes * SECONDS_PER_MINUTE) * MS_PER_SECOND +
        ms;
    return true;
}

bool clock_parse_duration(const char *text, int64_t *ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    char *end = NULL;
    long long count = strtoll(text, &end, 10);
    if (end == text || count < 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].unit) == 0) {
            int64_t most = (int64_t)DURATION_MS_MAX_YEARS * 365 * 86400000;
            if (count > most / units[i].ms) {
                return false;
            }
            *ms = count * units[i].ms;
            return true;
        }
    }
    return false;
}
