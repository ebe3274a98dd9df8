#include "setting_value.h"

#include "clock.h"
#include "home.h"
#include "must.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SECRET_BYTES_MAX = 64 * 1024 };

static bool has_choice(const char *choices, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = choices; at && len; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
        if (strncmp(at, word, len) == 0 && (at[len] == '|' || at[len] == '\0')) {
            return true;
        }
    }
    return false;
}

static bool parse_bytes(const char *text, int64_t *number)
{
    char *end;
    long long count = strtoll(text, &end, 10);
    int64_t scale = strcasecmp(end, "k") == 0   ? 1 << 10
                    : strcasecmp(end, "m") == 0 ? 1 << 20
                    : strcasecmp(end, "g") == 0 ? 1 << 30
                    : *end == '\0'              ? 1
                                                : 0;
    *number = count * scale;
    return end != text && count >= 0 && count < INT64_C(1) << 32 && scale;
}

static bool parse_whole(const char *text, int64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return end != text && *end == '\0' && errno == 0;
}

static bool is_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    int64_t port;
    return colon && colon != text && parse_whole(colon + 1, &port) && port >= 0 && port <= 65535;
}

const char *setting_parse(const struct setting *row, const char *text, int64_t *number)
{
    bool bounded = row->min != 0 || row->max != 0;
    switch (row->kind) {
    case SETTING_NUMBER:
        if (!parse_whole(text, number)) {
            return "expected a whole number";
        }
        break;
    case SETTING_DURATION:
        if (!clock_parse_duration(text, number)) {
            return "expected a duration such as 250ms, 5s, 10m, 72h or 30d";
        }
        break;
    case SETTING_BYTES:
        if (!parse_bytes(text, number)) {
            return "expected a size such as 4096, 64k or 16m";
        }
        break;
    case SETTING_FLAG:
        *number = strcmp(text, "true") == 0;
        return *number || strcmp(text, "false") == 0 ? NULL : "expected true or false";
    case SETTING_CHOICE:
        return has_choice(row->choices, text) ? NULL : "expected one of";
    case SETTING_ADDRESS:
        return is_address(text) ? NULL : "expected host:port, such as 127.0.0.1:8080";
    case SETTING_TEXT:
    case SETTING_SECRET:
        *number = (int64_t)strlen(text);
        break;
    }
    if (bounded && (*number < row->min || *number > row->max)) {
        return "out of range";
    }
    return NULL;
}

static char *secret_path(const char *home, const char *said)
{
    return said[0] == '/' ? must_strdup(said) : home_path(home, "%s", said);
}

static void trim_end(char *text)
{
    size_t len = strlen(text);
    while (len && isspace((unsigned char)text[len - 1])) {
        text[--len] = '\0';
    }
}

enum fault setting_resolve(const char *home, const char *raw, char **text)
{
    if (strncmp(raw, "env:", 4) == 0) {
        const char *value = getenv(raw + 4);
        *text = must_strdup(value ? value : "");
        return value ? OK : FAULT_NOT_FOUND;
    }
    if (strncmp(raw, "file:", 5) == 0) {
        char *path = secret_path(home, raw + 5);
        size_t len;
        enum fault fault = home_read_file(path, SECRET_BYTES_MAX, text, &len);
        free(path);
        if (fault == OK) {
            trim_end(*text);
        } else {
            *text = must_strdup("");
        }
        return fault;
    }
    *text = must_strdup(raw);
    return OK;
}
