/* roles.h - roles of people and their rights; scopes of API keys. Pure.
 *
 * See        roles_table.h, scopes_table.h, route_table.h (which right a path needs) */
#ifndef USHER_ROLES_H
#define USHER_ROLES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
#define RIGHT(name, bit) RIGHT_##name = bit,
#include "roles_table.h"
#undef RIGHT
};

enum role {
#define ROLE(id, name, rights, sentence) ROLE_##id,
#include "roles_table.h"
#undef ROLE
    ROLE_COUNT
};

enum {
#define X(name, word, bit, sentence) SCOPE_##name = bit,
#include "scopes_table.h"
#undef X
};

struct right {
    const char *name;
    unsigned bit;
};

/* 0, 1, 2, ... until NULL. */
const struct right *right_nth(size_t n);

const char *role_name(enum role role);
unsigned role_rights(enum role role);
bool role_of(const char *name, enum role *role);

/* 0 if there is none of that name. */
unsigned scope_of(const char *name);
/* Their names: a new array. */
json_t *scopes_list(unsigned scopes);

#endif
