#include "settings.h"

#include "home.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 20 };

static bool among(const char *const *known, const char *name, size_t len)
{
    for (; *known; known++) {
        if (strlen(*known) == len && memcmp(*known, name, len) == 0) {
            return true;
        }
    }
    return false;
}

enum fault settings_stray(const char *home, const char *file, const char *const *known,
                          struct buf *why)
{
    char *path = home_path(home, "%s", file);
    char *text = NULL;
    size_t len;
    enum fault fault = home_read_file(path, FILE_BYTES_MAX, &text, &len);
    free(path);
    int line = 0;
    for (const char *at = fault == OK ? text : ""; *at;) {
        size_t rest = strcspn(at, "\n");
        size_t name = strcspn(at, " \t=#\r\n");
        line++;
        if (name > 0 && !among(known, at, name)) {
            buf_printf(why, "%s:%d: there is no section \"%.*s\"; expected", file, line, (int)name,
                       at);
            for (const char *const *each = known; *each; each++) {
                buf_printf(why, "%s %s", each == known ? "" : ",", *each);
            }
            buf_add_text(why, "\n");
            fault = FAULT_CONFIG;
        }
        at += rest + (at[rest] == '\n');
    }
    free(text);
    return fault;
}
