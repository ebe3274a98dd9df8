#include "rights.h"

#include <string.h>

static const struct rights rows[] = {
#define X(name, kinds, reads, asks) {#name, kinds, reads, asks},
#include "rights_table.h"
#undef X
};

enum { ROW_COUNT = sizeof rows / sizeof *rows };

static const char people_prefix[] = "people/";

const struct rights *rights_of(const char *name)
{
    bool person = strncmp(name, people_prefix, sizeof people_prefix - 1) == 0 &&
                  name[sizeof people_prefix - 1];
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(rows[i].name, person ? "tools" : name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

const struct rights *rights_nth(size_t n)
{
    return n < ROW_COUNT ? &rows[n] : NULL;
}

/* True if a word of the list fits. */
static bool any_word(const char *list, bool (*fits)(const char *word, const char *text),
                     const char *text)
{
    for (const char *at = list; *at;) {
        size_t len = strcspn(at, " ");
        char word[EVENT_NAME_BYTES_MAX + 1];
        if (len && len < sizeof word) {
            memcpy(word, at, len);
            word[len] = '\0';
            if (fits(word, text)) {
                return true;
            }
        }
        at += len + strspn(at + len, " ");
    }
    return false;
}

static bool same(const char *word, const char *text)
{
    return strcmp(word, text) == 0;
}

bool rights_has_kind(const struct rights *rights, const char *kind)
{
    return any_word(rights->kinds, same, kind);
}

bool rights_publish(const struct rights *rights, const struct event_type *type)
{
    return type && rights_has_kind(rights, type->publisher);
}

bool rights_read(const struct rights *rights, const char *type)
{
    return any_word(rights->reads, topic_matches, type);
}

bool rights_id(const struct rights *rights, const char *id)
{
    size_t len = strcspn(id, ":");
    if (len == 0 || id[len] == '\0' || id[len + 1] == '\0') {
        return false;
    }
    bool own = strlen(rights->name) == len && strncmp(rights->name, id, len) == 0;
    if (own || !rights_has_kind(rights, "webhook")) {
        return own;
    }
    for (size_t i = 0; i < ROW_COUNT; i++) { /* a provider's name, but nobody else's */
        if (strlen(rows[i].name) == len && strncmp(rows[i].name, id, len) == 0) {
            return false;
        }
    }
    return true;
}
