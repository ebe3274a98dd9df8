#include "roles.h"

#include "must.h"

#include <string.h>

static const struct right rights[] = {
#define RIGHT(name, bit) {#name, bit},
#include "roles_table.h"
#undef RIGHT
};

static const struct {
    const char *name;
    unsigned rights;
} roles[] = {
#define ROLE(id, name, rights, sentence) {name, rights},
#include "roles_table.h"
#undef ROLE
};

static const struct right scopes[] = {
#define X(name, word, bit, sentence) {word, bit},
#include "scopes_table.h"
#undef X
};

const struct right *right_nth(size_t n)
{
    return n < sizeof rights / sizeof *rights ? &rights[n] : NULL;
}

const char *role_name(enum role role)
{
    return roles[role].name;
}

unsigned role_rights(enum role role)
{
    return roles[role].rights;
}

bool role_of(const char *name, enum role *role)
{
    for (size_t i = 0; i < ROLE_COUNT; i++) {
        if (strcmp(roles[i].name, name) == 0) {
            *role = (enum role)i;
            return true;
        }
    }
    return false;
}

unsigned scope_of(const char *name)
{
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        if (strcmp(scopes[i].name, name) == 0) {
            return scopes[i].bit;
        }
    }
    return 0;
}

json_t *scopes_list(unsigned wanted)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        if (wanted & scopes[i].bit) {
            MUST(json_array_append_new(list, json_string(scopes[i].name)) == 0);
        }
    }
    return list;
}
