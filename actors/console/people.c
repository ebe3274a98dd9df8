#include "people.h"

#include "actor.h"
#include "must.h"
#include "shown.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

static const char name_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

bool people_name_is_good(const char *name)
{
    size_t len = strlen(name);
    return len > 0 && len <= PEOPLE_NAME_BYTES_MAX && strspn(name, name_chars) == len;
}

static enum role role_in(const json_t *row)
{
    enum role role = ROLE_VIEWER;
    (void)role_of(tree_text(row, "role"), &role); /* unknown: the weakest */
    return role;
}

static void read_person(const char *name, const json_t *row, struct person *person)
{
    *person = (struct person){.role = role_in(row)};
    strncpy(person->name, name, PEOPLE_NAME_BYTES_MAX);
    person->totp = *tree_text(row, "totp") != '\0';
    person->invited = *tree_text(row, "password") == '\0';
}

static enum fault load(struct vault *vault, const char *name, json_t **row)
{
    return people_name_is_good(name) ? vault_get(vault, VAULT_PEOPLE, name, row) : FAULT_NOT_FOUND;
}

enum fault people_find(struct vault *vault, const char *name, struct person *person)
{
    json_t *row = NULL;
    enum fault fault = load(vault, name, &row);
    if (fault == OK) {
        read_person(name, row, person);
    }
    json_decref(row);
    return fault;
}

static void list_one(void *self, const char *name, const json_t *row)
{
    json_t *shown = json_object();
    struct person person;
    read_person(name, row, &person);
    tree_set_text(shown, "name", person.name);
    tree_set_text(shown, "role", role_name(person.role));
    tree_set_flag(shown, "totp", person.totp);
    tree_set_flag(shown, "invited", person.invited);
    tree_set(shown, "created_at", shown_time(tree_int(row, "created_at")));
    tree_set(shown, "last_seen", shown_time(tree_int(row, "seen_at")));
    MUST(json_array_append_new(self, shown) == 0);
}

json_t *people_list(struct vault *vault)
{
    json_t *list = json_array();
    (void)!vault_walk(vault, VAULT_PEOPLE, list_one, list);
    return list;
}

/* --- owners ------------------------------------------------------------------------------------ */

struct owners {
    const char *but;
    int count; /* who can sign in */
    int people;
};

static void count_one(void *self, const char *name, const json_t *row)
{
    struct owners *owners = self;
    owners->people++;
    owners->count += role_in(row) == ROLE_OWNER && *tree_text(row, "password") &&
                     !(owners->but && strcmp(owners->but, name) == 0);
}

static struct owners count_owners(struct vault *vault, const char *but)
{
    struct owners owners = {.but = but};
    if (vault_walk(vault, VAULT_PEOPLE, count_one, &owners) != OK) {
        owners.count = 0; /* not known: nothing is taken away */
    }
    return owners;
}

bool people_is_last_owner(struct vault *vault, const char *name)
{
    struct person person;
    return people_find(vault, name, &person) == OK && person.role == ROLE_OWNER &&
           count_owners(vault, name).count == 0;
}

/* --- changes ----------------------------------------------------------------------------------- */

/* A person's row, and what ends with it. */
struct change {
    const char *name;
    json_t *row; /* NULL: removed */
    bool ends_links;
    bool ends_sessions;
    const char *link; /* id of a new one; NULL: none */
    json_t *link_row;
    const char *used; /* id of a link that is used up */
};

static enum fault work_change(void *self, struct store_txn *txn)
{
    const struct change *change = self;
    enum fault fault = OK;
    if (*change->name) {
        struct slice key = text_slice(change->name);
        fault = change->row ? tree_save(txn, VAULT_PEOPLE, key, change->row)
                            : store_delete(txn, VAULT_PEOPLE, key);
    }
    if (fault == OK && change->ends_links) {
        fault = vault_remove_of(txn, VAULT_LINKS, change->name, NULL);
    }
    if (fault == OK && change->ends_sessions) {
        fault = vault_remove_of(txn, VAULT_SESSIONS, change->name, NULL);
    }
    if (fault == OK && change->used) {
        fault = store_delete(txn, VAULT_LINKS, text_slice(change->used));
    }
    if (fault == OK && change->link) {
        fault = tree_save(txn, VAULT_LINKS, text_slice(change->link), change->link_row);
    }
    return fault;
}

static json_t *make_link(const char *person, int64_t now_ms, char token[PEOPLE_TOKEN_CHARS + 1],
                         char id[VAULT_ID_CHARS + 1])
{
    char hash[SHA256_HEX_CHARS + 1];
    vault_token(token);
    MUST(vault_token_id(token, id, hash));
    json_t *row = json_object();
    tree_set_text(row, "hash", hash);
    tree_set(row, "person", json_string(person));
    tree_set_int(row, "until", now_ms + PEOPLE_LINK_MS);
    return row;
}

/* Saves the row together with a new link for it; what the person had before ends. Takes row. */
static enum fault save_with_link(struct vault *vault, const char *name, json_t *row, int64_t now_ms,
                                 char token[PEOPLE_TOKEN_CHARS + 1])
{
    char id[VAULT_ID_CHARS + 1];
    json_t *link = make_link(name, now_ms, token, id);
    struct change change = {.name = name,
                            .row = row,
                            .ends_links = true,
                            .ends_sessions = true,
                            .link = id,
                            .link_row = link};
    enum fault fault = vault_change(vault, work_change, &change);
    json_decref(link);
    json_decref(row);
    return fault;
}

enum fault people_add(struct vault *vault, const char *name, enum role role, int64_t now_ms,
                      char token[PEOPLE_TOKEN_CHARS + 1])
{
    struct person person;
    if (!people_name_is_good(name)) {
        return FAULT_MALFORMED;
    }
    enum fault fault = people_find(vault, name, &person);
    if (fault != FAULT_NOT_FOUND) {
        return fault == OK ? FAULT_CONFLICT : fault;
    }
    if (count_owners(vault, NULL).people >= PEOPLE_MAX) {
        return FAULT_FULL;
    }
    json_t *row = json_object();
    tree_set_text(row, "role", role_name(role));
    tree_set_int(row, "created_at", now_ms);
    return save_with_link(vault, name, row, now_ms, token);
}

enum fault people_invite(struct vault *vault, const char *name, int64_t now_ms,
                         char token[PEOPLE_TOKEN_CHARS + 1])
{
    return people_is_last_owner(vault, name) ? FAULT_CONFLICT
                                             : people_rescue(vault, name, now_ms, token);
}

enum fault people_rescue(struct vault *vault, const char *name, int64_t now_ms,
                         char token[PEOPLE_TOKEN_CHARS + 1])
{
    json_t *row = NULL;
    enum fault fault = load(vault, name, &row);
    if (fault != OK) {
        return fault;
    }
    static const char *const ended[] = {"password", "totp", "totp_wanted", "totp_last"};
    for (size_t i = 0; i < sizeof ended / sizeof *ended; i++) {
        json_object_del(row, ended[i]);
    }
    return save_with_link(vault, name, row, now_ms, token);
}

static enum fault save(struct vault *vault, const char *name, const json_t *row)
{
    return vault_put(vault, VAULT_PEOPLE, name, row);
}

enum fault people_set_role(struct vault *vault, const char *name, enum role role)
{
    json_t *row = NULL;
    enum fault fault = load(vault, name, &row);
    if (fault == OK && role != ROLE_OWNER && people_is_last_owner(vault, name)) {
        fault = FAULT_CONFLICT;
    }
    if (fault == OK) {
        tree_set_text(row, "role", role_name(role));
        fault = save(vault, name, row);
    }
    json_decref(row);
    return fault;
}

enum fault people_remove(struct vault *vault, const char *name)
{
    struct person person;
    enum fault fault = people_find(vault, name, &person);
    if (fault != OK) {
        return fault;
    }
    if (people_is_last_owner(vault, name)) {
        return FAULT_CONFLICT;
    }
    struct change change = {.name = person.name, .ends_links = true, .ends_sessions = true};
    return vault_change(vault, work_change, &change);
}

/* --- links ------------------------------------------------------------------------------------- */

enum fault people_first_link(struct vault *vault, int64_t now_ms,
                             char token[PEOPLE_TOKEN_CHARS + 1])
{
    char id[VAULT_ID_CHARS + 1];
    if (count_owners(vault, NULL).count) {
        return FAULT_CONFLICT;
    }
    json_t *link = make_link("", now_ms, token, id);
    struct change change = {.name = "", .ends_links = true, .link = id, .link_row = link};
    enum fault fault = vault_change(vault, work_change, &change);
    json_decref(link);
    return fault;
}

/* A link that counts: its id and row. */
static enum fault find_link(struct vault *vault, const char *token, int64_t now_ms,
                            char id[VAULT_ID_CHARS + 1], json_t **row)
{
    char hash[SHA256_HEX_CHARS + 1];
    *row = NULL;
    if (!vault_token_id(token, id, hash)) {
        return FAULT_NOT_FOUND;
    }
    enum fault fault = vault_get(vault, VAULT_LINKS, id, row);
    if (fault == OK && (!vault_is_of(*row, hash) || tree_int(*row, "until") <= now_ms)) {
        fault = FAULT_NOT_FOUND;
    }
    if (fault == OK && !*tree_text(*row, "person") && count_owners(vault, NULL).count) {
        fault = FAULT_NOT_FOUND; /* the first owner came by another link */
    }
    return fault;
}

enum fault people_invitation(struct vault *vault, const char *token, int64_t now_ms,
                             struct invitation *invitation)
{
    char id[VAULT_ID_CHARS + 1];
    json_t *row = NULL;
    *invitation = (struct invitation){0};
    enum fault fault = find_link(vault, token, now_ms, id, &row);
    if (fault == OK) {
        strncpy(invitation->name, tree_text(row, "person"), PEOPLE_NAME_BYTES_MAX);
        invitation->first = !*invitation->name;
    }
    json_decref(row);
    return fault;
}

/* The row that the link is for: the first owner's is made here. */
static enum fault row_for(struct vault *vault, struct invitation *invitation, const char *name,
                          int64_t now_ms, json_t **row)
{
    if (!invitation->first) {
        return load(vault, invitation->name, row);
    }
    if (!people_name_is_good(name)) {
        return FAULT_MALFORMED;
    }
    strncpy(invitation->name, name, PEOPLE_NAME_BYTES_MAX);
    *row = json_object();
    tree_set_text(*row, "role", role_name(ROLE_OWNER));
    tree_set_int(*row, "created_at", now_ms);
    return OK;
}

enum fault people_redeem(struct vault *vault, const char *token, const char *name,
                         const char *password, int64_t now_ms, struct invitation *invitation,
                         const char **why)
{
    char id[VAULT_ID_CHARS + 1], hash[PASSWORDS_HASH_BYTES];
    json_t *link = NULL, *row = NULL;
    enum fault fault = people_invitation(vault, token, now_ms, invitation);
    if (fault == OK) {
        fault = find_link(vault, token, now_ms, id, &link);
    }
    json_decref(link);
    *why = fault == OK ? passwords_objection(password) : "This link is over.";
    if (fault == OK && !*why) {
        fault = row_for(vault, invitation, name, now_ms, &row);
        *why = fault == FAULT_MALFORMED ? "A name has 1 to 32 of a-z, 0-9, _ and -."
               : fault == OK            ? NULL
                                        : "That did not work. Try once more.";
    }
    if (*why) {
        json_decref(row);
        return fault == OK ? FAULT_MALFORMED : fault;
    }
    passwords_hash(password, hash);
    tree_set_text(row, "password", hash);
    struct change change = {.name = invitation->name,
                            .row = row,
                            .ends_links = true,
                            .ends_sessions = true,
                            .used = id};
    fault = vault_change(vault, work_change, &change);
    *why = fault == OK ? "" : "It could not be kept. Try once more.";
    json_decref(row);
    return fault;
}

/* --- passwords --------------------------------------------------------------------------------- */

static int seconds(int64_t ms)
{
    return (int)((ms + 999) / 1000);
}

/* The right password (and the row), WRONG, or WAIT. `name` need not exist. */
static enum sign_in_word check_password(struct vault *vault, const char *name, const char *password,
                                        const char *address, int64_t now_ms, int *wait_s,
                                        json_t **row)
{
    struct attempts *attempts = vault_attempts(vault);
    (void)!load(vault, name, row);
    const char *hash = tree_text(*row, "password"), *seen = tree_text(*row, "address");
    bool known = *seen && strcmp(seen, address) == 0;
    int64_t wait_ms = attempts_wait_ms(attempts, name, address, known, now_ms);
    if (wait_ms) {
        *wait_s = seconds(wait_ms);
        return SIGN_IN_WAIT;
    }
    if (!passwords_match(*hash ? hash : NULL, password)) {
        attempts_failed(attempts, name, address, now_ms);
        return SIGN_IN_WRONG;
    }
    return SIGN_IN_FINE;
}

/* What is not a code's secret fails every code. */
static bool code_fits(json_t *row, const char *field, const char *code, int64_t now_ms)
{
    int64_t last = tree_int(row, "totp_last");
    bool fits = totp_check(tree_text(row, field), code, now_ms, &last);
    tree_set_int(row, "totp_last", last);
    return fits;
}

enum sign_in_word people_sign_in(struct vault *vault, const struct sign_in *said, int64_t now_ms,
                                 int *wait_s)
{
    json_t *row = NULL;
    enum sign_in_word word =
        check_password(vault, said->name, said->password, said->address, now_ms, wait_s, &row);
    if (word == SIGN_IN_FINE && *tree_text(row, "totp")) {
        word = !*said->code                                 ? SIGN_IN_CODE
               : code_fits(row, "totp", said->code, now_ms) ? SIGN_IN_FINE
                                                            : SIGN_IN_WRONG;
        if (word == SIGN_IN_WRONG) {
            attempts_failed(vault_attempts(vault), said->name, said->address, now_ms);
        }
    }
    if (word == SIGN_IN_FINE) {
        tree_set_int(row, "seen_at", now_ms);
        tree_set_text(row, "address", said->address);
        /* The code's step has to be on disk before it counts, or it would count twice. */
        word = save(vault, said->name, row) == OK ? SIGN_IN_FINE : SIGN_IN_WRONG;
        attempts_good(vault_attempts(vault), said->name, said->address);
    }
    json_decref(row);
    return word;
}

enum fault people_check_password(struct vault *vault, const char *name, const char *password,
                                 const char *address, int64_t now_ms, int *wait_s)
{
    json_t *row = NULL;
    enum sign_in_word word = check_password(vault, name, password, address, now_ms, wait_s, &row);
    json_decref(row);
    return word == SIGN_IN_FINE ? OK : FAULT_DENIED;
}

enum fault people_set_password(struct vault *vault, const char *name, const char *password)
{
    char hash[PASSWORDS_HASH_BYTES];
    json_t *row = NULL;
    if (passwords_objection(password)) {
        return FAULT_MALFORMED;
    }
    enum fault fault = load(vault, name, &row);
    if (fault == OK) {
        passwords_hash(password, hash);
        tree_set_text(row, "password", hash);
        fault = save(vault, name, row);
    }
    json_decref(row);
    return fault;
}

/* --- two steps --------------------------------------------------------------------------------- */

enum fault people_totp_start(struct vault *vault, const char *name,
                             char secret[TOTP_SECRET_CHARS + 1], char **uri)
{
    json_t *row = NULL;
    enum fault fault = load(vault, name, &row);
    if (fault == OK && *tree_text(row, "totp")) {
        fault = FAULT_CONFLICT;
    }
    if (fault == OK) {
        totp_secret(secret);
        tree_set_text(row, "totp_wanted", secret);
        fault = save(vault, name, row);
    }
    if (fault == OK) {
        *uri = totp_uri(secret, name);
    }
    json_decref(row);
    return fault;
}

/* From "totp_wanted" to "totp", or away. */
static enum fault totp_change(struct vault *vault, const char *name, const char *field,
                              const char *code, const char *address, int64_t now_ms)
{
    struct attempts *attempts = vault_attempts(vault);
    json_t *row = NULL;
    enum fault fault = load(vault, name, &row);
    if (fault == OK && strlen(code) != TOTP_DIGITS) {
        fault = FAULT_DENIED; /* no guess */
    }
    bool known = strcmp(tree_text(row, "address"), address) == 0;
    if (fault == OK && attempts_wait_ms(attempts, name, address, known, now_ms)) {
        fault = FAULT_DENIED;
    }
    if (fault == OK && !code_fits(row, field, code, now_ms)) {
        attempts_failed(attempts, name, address, now_ms);
        fault = FAULT_DENIED;
    }
    if (fault == OK) {
        json_t *secret = json_incref(tree_get(row, field));
        bool confirms = strcmp(field, "totp_wanted") == 0;
        json_object_del(row, field);
        if (confirms) {
            tree_set(row, "totp", json_incref(secret));
        }
        json_decref(secret);
        fault = save(vault, name, row);
    }
    json_decref(row);
    return fault;
}

enum fault people_totp_confirm(struct vault *vault, const char *name, const char *code,
                               const char *address, int64_t now_ms)
{
    return totp_change(vault, name, "totp_wanted", code, address, now_ms);
}

enum fault people_totp_remove(struct vault *vault, const char *name, const char *code,
                              const char *address, int64_t now_ms)
{
    return totp_change(vault, name, "totp", code, address, now_ms);
}
