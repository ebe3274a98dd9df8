#include "fault.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

enum when { AGAIN, NEVER };

static const struct {
    const char *name; /* in upper case, with its prefix */
    const char *words;
    enum when when;
} rows[FAULT_COUNT] = {
    [OK] = {"FAULT_OK", "done", NEVER},
#define X(name, when, words) [name] = {#name, words, when},
#include "fault_table.h"
#undef X
};

enum { PREFIX_CHARS = 6, NAME_CHARS_MAX = 24 };

const char *fault_words(enum fault fault)
{
    return fault < FAULT_COUNT ? rows[fault].words : "unknown fault";
}

const char *fault_name(enum fault fault)
{
    static _Thread_local char name[NAME_CHARS_MAX];
    const char *upper = rows[fault < FAULT_COUNT ? fault : FAULT_MALFORMED].name + PREFIX_CHARS;
    size_t i = 0;
    for (; upper[i] && i + 1 < sizeof name; i++) {
        name[i] = (char)tolower((unsigned char)upper[i]);
    }
    name[i] = '\0';
    return name;
}

enum fault fault_from_name(const char *name)
{
    for (int i = 0; i < FAULT_COUNT; i++) {
        if (strcasecmp(rows[i].name + PREFIX_CHARS, name) == 0) {
            return (enum fault)i;
        }
    }
    return FAULT_MALFORMED;
}

bool fault_again(enum fault fault)
{
    return fault != OK && fault < FAULT_COUNT && rows[fault].when == AGAIN;
}

enum fault fault_from_errno(int code)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
        return FAULT_FULL;
    case EAGAIN:
    case EINTR:
    case EBUSY:
        return FAULT_BUSY;
    case ETIMEDOUT:
        return FAULT_TIMEOUT;
    case ENOENT:
    case ENOTDIR:
        return FAULT_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return FAULT_DENIED;
    case EEXIST:
    case EADDRINUSE:
        return FAULT_CONFLICT;
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPIPE:
        return FAULT_UNAVAILABLE;
    case EMSGSIZE:
    case E2BIG:
    case EFBIG:
    case ENAMETOOLONG:
        return FAULT_TOO_LARGE;
    case EINVAL:
        return FAULT_MALFORMED;
    default:
        return FAULT_IO;
    }
}
