#include "sessions.h"

#include "actor.h"
#include "clock.h"
#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { AGENT_BYTES_MAX = 200, SWEEP_MS = 60 * 1000, SWEPT_MAX = 64 };

static bool is_over(const json_t *row, int64_t now_ms)
{
    return now_ms - tree_int(row, "seen_at") > SESSION_IDLE_MS ||
           now_ms - tree_int(row, "created_at") > SESSION_MAX_MS;
}

/* Derived from the token, so that nothing more is kept, and not from what is kept. */
static void make_csrf(const char *token, char csrf[SHA256_HEX_CHARS + 1])
{
    uint8_t mac[SHA256_BYTES];
    struct slice part = text_slice("csrf");
    hmac_sha256(text_slice(token), &part, 1, mac);
    hex_encode(mac, sizeof mac, csrf);
}

/* --- of one person ----------------------------------------------------------------------------- */

struct oldest {
    const char *person;
    int count;
    int64_t created_ms;
    char id[VAULT_ID_CHARS + 1];
};

static void find_oldest(void *self, const char *id, const json_t *row)
{
    struct oldest *oldest = self;
    if (strcmp(tree_text(row, "person"), oldest->person) != 0) {
        return;
    }
    int64_t created = tree_int(row, "created_at");
    if (!oldest->count++ || created < oldest->created_ms) {
        oldest->created_ms = created;
        strncpy(oldest->id, id, VAULT_ID_CHARS);
    }
}

static enum fault make_room(struct vault *vault, const char *person)
{
    struct oldest oldest = {.person = person};
    enum fault fault = vault_walk(vault, VAULT_SESSIONS, find_oldest, &oldest);
    if (fault == OK && oldest.count >= SESSIONS_EACH_MAX) {
        fault = vault_remove(vault, VAULT_SESSIONS, oldest.id);
    }
    return fault;
}

/* What a browser says of itself, as text and cut. */
static void set_agent(json_t *row, const char *agent)
{
    char cut[AGENT_BYTES_MAX + 1];
    size_t len = 0;
    for (; *agent && len < AGENT_BYTES_MAX; agent++) {
        if (*agent >= ' ' && *agent < 0x7f) {
            cut[len++] = *agent;
        }
    }
    cut[len] = '\0';
    tree_set_text(row, "agent", cut);
}

enum fault sessions_start(struct vault *vault, const char *person, const char *address,
                          const char *agent, int64_t now_ms, char token[SESSION_TOKEN_CHARS + 1])
{
    char id[VAULT_ID_CHARS + 1], hash[SHA256_HEX_CHARS + 1];
    enum fault fault = make_room(vault, person);
    if (fault != OK) {
        return fault;
    }
    vault_token(token);
    MUST(vault_token_id(token, id, hash));
    json_t *row = json_object();
    tree_set_text(row, "hash", hash);
    tree_set_text(row, "person", person);
    tree_set_text(row, "address", address);
    set_agent(row, agent);
    tree_set_int(row, "created_at", now_ms);
    tree_set_int(row, "seen_at", now_ms);
    fault = vault_put(vault, VAULT_SESSIONS, id, row);
    json_decref(row);
    return fault;
}

/* --- with each request ------------------------------------------------------------------------- */

static void read_session(const char *id, const json_t *row, struct session *session)
{
    *session = (struct session){0};
    strncpy(session->id, id, VAULT_ID_CHARS);
    strncpy(session->person, tree_text(row, "person"), PEOPLE_NAME_BYTES_MAX);
}

/* A person's role may have changed since, or the person is gone. */
static enum fault add_role(struct vault *vault, struct session *session)
{
    struct person person;
    enum fault fault = people_find(vault, session->person, &person);
    session->role = fault == OK ? person.role : ROLE_VIEWER;
    return fault;
}

/* Not being able to write it down ends nobody's session. */
static void note_seen(struct vault *vault, const char *id, json_t *row, int64_t now_ms)
{
    if (now_ms - tree_int(row, "seen_at") >= SESSION_SEEN_MS) {
        tree_set_int(row, "seen_at", now_ms);
        (void)!vault_put(vault, VAULT_SESSIONS, id, row);
    }
}

enum fault sessions_check(struct vault *vault, const char *token, int64_t now_ms,
                          struct session *session)
{
    char id[VAULT_ID_CHARS + 1], hash[SHA256_HEX_CHARS + 1];
    json_t *row = NULL;
    if (!vault_token_id(token, id, hash)) {
        return FAULT_NOT_FOUND;
    }
    enum fault fault = vault_get(vault, VAULT_SESSIONS, id, &row);
    if (fault == OK && (!vault_is_of(row, hash) || is_over(row, now_ms))) {
        fault = FAULT_NOT_FOUND;
    }
    if (fault == OK) {
        read_session(id, row, session);
        fault = add_role(vault, session);
    }
    if (fault == OK) {
        make_csrf(token, session->csrf);
        note_seen(vault, id, row, now_ms);
    }
    json_decref(row);
    return fault;
}

enum fault sessions_find(struct vault *vault, const char *id, struct session *session)
{
    json_t *row = NULL;
    enum fault fault = vault_get(vault, VAULT_SESSIONS, id, &row);
    if (fault == OK) {
        read_session(id, row, session);
        fault = add_role(vault, session);
    }
    json_decref(row);
    return fault;
}

bool sessions_is_open(struct vault *vault, const char *id, int64_t now_ms)
{
    json_t *row = NULL;
    bool open = vault_get(vault, VAULT_SESSIONS, id, &row) == OK && !is_over(row, now_ms);
    json_decref(row);
    return open;
}

/* --- ending ------------------------------------------------------------------------------------ */

enum fault sessions_end(struct vault *vault, const char *id)
{
    return vault_remove(vault, VAULT_SESSIONS, id);
}

struct others {
    const char *person;
    const char *keep;
};

static enum fault work_others(void *self, struct store_txn *txn)
{
    const struct others *others = self;
    return vault_remove_of(txn, VAULT_SESSIONS, others->person, others->keep);
}

enum fault sessions_end_others(struct vault *vault, const char *person, const char *keep)
{
    struct others others = {person, keep};
    return vault_change(vault, work_others, &others);
}

struct swept {
    int64_t now_ms;
    char ids[SWEPT_MAX][VAULT_ID_CHARS + 1];
    size_t count;
};

static void find_over(void *self, const char *id, const json_t *row)
{
    struct swept *swept = self;
    if (swept->count < SWEPT_MAX && strlen(id) == VAULT_ID_CHARS && is_over(row, swept->now_ms)) {
        strcpy(swept->ids[swept->count++], id);
    }
}

void sessions_sweep(struct vault *vault, int64_t now_ms)
{
    int64_t *swept_ms = vault_swept_ms(vault);
    if (now_ms - *swept_ms < SWEEP_MS) {
        return;
    }
    *swept_ms = now_ms;
    struct swept swept = {.now_ms = now_ms};
    if (vault_walk(vault, VAULT_SESSIONS, find_over, &swept) != OK) {
        return;
    }
    for (size_t i = 0; i < swept.count; i++) {
        (void)!vault_remove(vault, VAULT_SESSIONS, swept.ids[i]);
    }
}

/* --- listing ----------------------------------------------------------------------------------- */

struct listing {
    json_t *list;
    const char *person;
    const char *current;
    int64_t now_ms;
};

static void list_one(void *self, const char *id, const json_t *row)
{
    const struct listing *listing = self;
    char text[CLOCK_TEXT_BYTES];
    if (is_over(row, listing->now_ms) ||
        (listing->person && strcmp(tree_text(row, "person"), listing->person) != 0)) {
        return;
    }
    json_t *shown = json_object();
    tree_set_text(shown, "id", id);
    tree_set_text(shown, "person", tree_text(row, "person"));
    tree_set_text(shown, "created_at", clock_rfc3339(tree_int(row, "created_at"), text));
    tree_set_text(shown, "last_seen", clock_rfc3339(tree_int(row, "seen_at"), text));
    tree_set(shown, "address", json_string(tree_text(row, "address")));
    tree_set(shown, "agent", json_string(tree_text(row, "agent")));
    tree_set_flag(shown, "current", strcmp(id, listing->current) == 0);
    MUST(json_array_append_new(listing->list, shown) == 0);
}

json_t *sessions_list(struct vault *vault, const char *person, const char *current, int64_t now_ms)
{
    struct listing listing = {json_array(), person, current, now_ms};
    (void)!vault_walk(vault, VAULT_SESSIONS, list_one, &listing);
    return listing.list;
}

static void count_one(void *self, const char *id, const json_t *row)
{
    (void)id;
    (void)row;
    ++*(size_t *)self;
}

size_t sessions_count(struct vault *vault)
{
    size_t count = 0;
    (void)!vault_walk(vault, VAULT_SESSIONS, count_one, &count);
    return count;
}
