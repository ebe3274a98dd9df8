#include "ledger.h"

#include "must.h"
#include "values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum fault publish_row(struct store_txn *txn, const char *id, json_t **row)
{
    char in[RECORD_ID_BYTES];
    enum fault fault = tree_load(txn, TABLE_MEMBERS, text_slice(id), row);
    for (int hops = 0; fault == OK && *row && *tree_text(*row, "in") && hops < 64; hops++) {
        event_set_text(in, sizeof in, tree_text(*row, "in"));
        json_decref(*row);
        fault = tree_load(txn, TABLE_MEMBERS, text_slice(in), row);
    }
    return fault;
}

/* --- what was known of a member's records ----------------------------------------------------- */

struct past {
    json_t *document; /* of the surviving id, else of the first that had one; NULL: none */
    int64_t version;
    bool had_access;
    json_t *merged; /* ids that were members of their own and no longer are */
    bool aliases_new;
};

static void past_fini(struct past *past)
{
    json_decref(past->document);
    json_decref(past->merged);
}

static enum fault look_back(struct store_txn *txn, const struct member *member, struct past *past)
{
    *past = (struct past){.merged = json_array()};
    for (size_t i = 0; i < member->record_count; i++) {
        const char *id = member->records[i]->id;
        json_t *row = NULL, *head = NULL;
        enum fault fault = tree_load(txn, TABLE_MEMBERS, text_slice(id), &row);
        if (fault != OK) {
            return fault;
        }
        if (!row) {
            past->aliases_new = past->aliases_new || i > 0;
            continue;
        }
        fault = publish_row(txn, id, &head); /* after a split: it goes on above the old one */
        int64_t its = tree_int(row, "version"), above = tree_int(head, "version");
        past->version = past->version > its ? past->version : its;
        past->version = past->version > above ? past->version : above;
        past->had_access = past->had_access || tree_flag(row, "had");
        json_t *document = tree_get(row, "doc");
        if (document && !past->document) {
            past->document = json_incref(document);
        }
        if (document && strcmp(id, member->id) != 0) {
            MUST(json_array_append_new(past->merged, json_string(id)) == 0);
        }
        past->aliases_new =
            past->aliases_new || (i > 0 && strcmp(tree_text(row, "in"), member->id) != 0);
        json_decref(row);
        json_decref(head);
        if (fault != OK) {
            return fault;
        }
    }
    return OK;
}

/* --- what a change is called ------------------------------------------------------------------ */

struct change {
    const char *type;
    enum rule_id rule;
};

static bool has_effect(const json_t *document, const char *rule)
{
    const json_t *effects = tree_get(document, "effects");
    for (size_t i = 0; i < json_array_size(effects); i++) {
        if (strcmp(tree_text(json_array_get(effects, i), "rule"), rule) == 0) {
            return true;
        }
    }
    return false;
}

static struct change name_detail(const struct rules *rules, const struct past *past,
                                 const json_t *document, const struct event *cause)
{
    static const enum rule_id notes[] = {RULE_PARTLY_REFUNDED, RULE_REFUNDED, RULE_DISPUTE_OPENED,
                                         RULE_DISPUTE_CLOSED,  RULE_TICKET,   RULE_PAYMENT_FAILED};
    if (strncmp(cause->type, "admin.", 6) == 0) {
        return (struct change){"member.changed", RULE_BY_PERSON};
    }
    if (json_array_size(past->merged)) {
        return (struct change){"member.changed", RULE_SAME_PERSON};
    }
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++) {
        const char *name = rules->rule[notes[i]].name;
        if (has_effect(document, name) && !has_effect(past->document, name)) {
            return (struct change){"member.changed", notes[i]};
        }
    }
    bool ending = strcmp(tree_text(document, "state"), "ending") == 0 &&
                  strcmp(tree_text(past->document, "state"), "ending") != 0;
    return (struct change){"member.changed", ending ? RULE_ENDING : RULE_DETAILS};
}

static enum rule_id revoked_rule(const struct member *member)
{
    const struct item *best = member->best;
    bool disputed = best && best->newest_paid && best->newest_paid->disputed;
    return member->revoke ? RULE_BY_PERSON : disputed ? RULE_DISPUTE_OPENED : RULE_REFUNDED;
}

static struct change name_change(const struct rules *rules, const struct member *member,
                                 const struct past *past, const json_t *document,
                                 const struct event *cause)
{
    enum state before = STATE_NONE;
    bool access = tree_flag(past->document, "access");
    bool known = state_find(tree_text(past->document, "state"), &before);
    bool person = strncmp(cause->type, "admin.", 6) == 0;
    enum rule_id gives = person                            ? RULE_BY_PERSON
                         : member->state == STATE_TRIALING ? RULE_TRIAL
                         : past->had_access && !access     ? RULE_BACK
                                                           : RULE_FIRST_ACCESS;
    if (member->access && !past->had_access) {
        return (struct change){"member.joined", gives};
    }
    if (member->access && (!access || (before == STATE_TRIALING && member->state > before))) {
        return (struct change){"member.activated", gives};
    }
    if (!member->access && (!known || before != member->state)) {
        if (member->state == STATE_PAUSED) {
            return (struct change){"member.paused", RULE_PAYMENT_FAILED};
        }
        if (member->state == STATE_REVOKED) {
            return (struct change){"member.revoked", revoked_rule(member)};
        }
        if (member->state == STATE_ENDED) {
            return (struct change){"member.ended", RULE_OVER};
        }
    }
    if (access && member->state == STATE_NONE) { /* what a person granted ran out */
        bool ran_out = strcmp(cause->type, "member.due") == 0;
        return (struct change){"member.ended", ran_out ? RULE_BY_PERSON : RULE_DETAILS};
    }
    return name_detail(rules, past, document, cause);
}

/* The rule that holds now: what `why` names. What the last event changed may have been a name. */
static enum rule_id rule_in_force(const struct view *view, const struct member *member)
{
    const struct item *best = member->best;
    bool granted = member->grant && !(best && best->access);
    if (member->revoke || granted) {
        return RULE_BY_PERSON;
    }
    switch (member->state) {
    case STATE_TRIALING:
        return RULE_TRIAL;
    case STATE_PAUSED:
        return RULE_PAYMENT_FAILED;
    case STATE_REVOKED:
        return revoked_rule(member);
    case STATE_ENDED:
        return RULE_OVER;
    case STATE_ENDING:
        return RULE_ENDING;
    case STATE_ACTIVE:
        return best->newest_paid && payment_is_return(view, member, best->newest_paid)
                   ? RULE_BACK
                   : RULE_FIRST_ACCESS;
    default:
        return RULE_DETAILS;
    }
}

/* --- telling ---------------------------------------------------------------------------------- */

static bool same_document(const json_t *old, const json_t *new)
{
    static const char *const volatiles[] = {"version", "rule", "merged"};
    json_t *a = json_copy((json_t *)old), *b = json_copy((json_t *)new);
    for (size_t i = 0; i < sizeof volatiles / sizeof *volatiles; i++) {
        json_object_del(a, volatiles[i]);
        json_object_del(b, volatiles[i]);
    }
    bool same = json_equal(a, b) == 1;
    json_decref(a);
    json_decref(b);
    return same;
}

static enum fault save_rows(struct store_txn *txn, const struct member *member, int64_t version,
                            bool had_access, const char *because, json_t *document)
{
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < member->record_count; i++) {
        json_t *row = json_object();
        tree_set_int(row, "version", version);
        tree_set_flag(row, "had", had_access);
        if (i == 0) {
            tree_set_text(row, "because", because);
            tree_set(row, "doc", json_incref(document));
        } else {
            tree_set_text(row, "in", member->id);
        }
        fault = tree_save(txn, TABLE_MEMBERS, text_slice(member->records[i]->id), row);
        json_decref(row);
    }
    return fault;
}

static enum fault tell(struct ledger *ledger, struct store_txn *txn, const char *member,
                       const char *type, const struct event *cause, const json_t *document)
{
    struct event event = {.time_ms = cause->time_ms, .version = EVENT_VERSION};
    char id[2 * EVENT_ID_BYTES_MAX];
    if (strlen(cause->id) + strlen(member) + strlen("ledger::") > EVENT_ID_BYTES_MAX) {
        uint8_t digest[SHA256_BYTES];
        char hex[SHA256_HEX_CHARS + 1];
        sha256(cause->id, strlen(cause->id), digest);
        hex_encode(digest, sizeof digest, hex);
        snprintf(id, sizeof id, "ledger:%s:%s", hex, member);
    } else {
        snprintf(id, sizeof id, "ledger:%s:%s", cause->id, member);
    }
    EVENT_SET(event.id, id);
    EVENT_SET(event.type, type);
    EVENT_SET(event.subject, member);
    EVENT_SET(event.cause, cause->id);
    EVENT_SET(event.trace, cause->trace);
    return actor_emit(ledger->actor, txn, &event, document);
}

static enum fault publish_member(struct ledger *ledger, struct store_txn *txn,
                                 const struct view *view, const struct member *member,
                                 const struct event *cause)
{
    struct past past;
    json_t *document = member_document(view, member);
    enum fault fault = look_back(txn, member, &past);
    bool same = fault == OK && past.document && !past.aliases_new &&
                json_array_size(past.merged) == 0 && same_document(past.document, document);
    if (fault != OK || same) {
        goto out;
    }
    struct change change = name_change(&ledger->rules, member, &past, document, cause);
    tree_set_int(document, "version", past.version + 1);
    tree_set_text(document, "rule", ledger->rules.rule[change.rule].name);
    if (json_array_size(past.merged)) {
        tree_set(document, "merged", json_incref(past.merged));
    }
    const char *because = ledger->rules.rule[rule_in_force(view, member)].name;
    fault = save_rows(txn, member, past.version + 1, past.had_access || member->access, because,
                      document);
    if (fault == OK) {
        fault = tell(ledger, txn, member->id, change.type, cause, document);
    }
out:
    past_fini(&past);
    json_decref(document);
    return fault;
}

enum fault publish_members(struct ledger *ledger, struct store_txn *txn, const struct view *view,
                           const struct event *cause)
{
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < view->member_count; i++) {
        fault = publish_member(ledger, txn, view, &view->members[i], cause);
    }
    return fault;
}

/* --- what was told before, for the end of a rebuild ------------------------------------------- */

enum { PUBLISHED_BYTES = 8 + SHA256_BYTES };

enum fault publish_seen(struct store_txn *txn, const struct event *event)
{
    uint8_t value[PUBLISHED_BYTES];
    json_t *data = event_data(event);
    const char *id = tree_text(data, "id");
    store_key_u64((uint64_t)tree_int(data, "version"), value);
    sha256(event->data, event->data_len, value + 8);
    enum fault fault = OK;
    if (*id && strlen(id) < RECORD_ID_BYTES) {
        fault =
            store_put(txn, TABLE_PUBLISHED, text_slice(id), (struct slice){value, sizeof value});
    }
    json_decref(data);
    return fault;
}

struct differing {
    struct store_txn *txn;
    json_t *ids;
};

static bool differs(struct store_txn *txn, struct slice id, const json_t *document,
                    int64_t *published_version)
{
    struct slice value;
    uint8_t digest[SHA256_BYTES];
    struct buf packed = {0};
    value_pack(document, &packed);
    sha256(packed.bytes, packed.len, digest);
    buf_fini(&packed);
    bool found = store_get(txn, TABLE_PUBLISHED, id, &value) == OK && value.len == PUBLISHED_BYTES;
    *published_version = found ? (int64_t)store_key_number(value.bytes) : 0;
    return !found || memcmp((const uint8_t *)value.bytes + 8, digest, sizeof digest) != 0;
}

static bool look_at(void *self, struct slice key, struct slice value)
{
    struct differing *differing = self;
    json_t *row = NULL;
    int64_t version;
    if (value_unpack(value.bytes, value.len, &row) == OK && tree_get(row, "doc") &&
        differs(differing->txn, key, tree_get(row, "doc"), &version)) {
        MUST(json_array_append_new(differing->ids, json_stringn(key.bytes, key.len)) == 0);
    }
    json_decref(row);
    return true;
}

static enum fault tell_again(struct ledger *ledger, struct store_txn *txn, const char *id)
{
    json_t *row = NULL;
    int64_t published = 0;
    struct event cause = {0};
    enum fault fault = tree_load(txn, TABLE_MEMBERS, text_slice(id), &row);
    json_t *document = tree_get(row, "doc");
    if (fault == OK && document) {
        differs(txn, text_slice(id), document, &published);
        int64_t version = tree_int(row, "version");
        version = (version > published ? version : published) + 1;
        tree_set_int(row, "version", version);
        tree_set_int(document, "version", version);
        tree_set_text(document, "rule", ledger->rules.rule[RULE_DETAILS].name);
        char trace[EVENT_ID_BYTES_MAX + 1];
        snprintf(trace, sizeof trace, "rebuild:%" PRId64, version);
        EVENT_SET(cause.id, trace);
        EVENT_SET(cause.trace, "rebuild");
        fault = tree_save(txn, TABLE_MEMBERS, text_slice(id), row);
        if (fault == OK) {
            fault = tell(ledger, txn, id, "member.changed", &cause, document);
        }
    }
    json_decref(row);
    return fault;
}

enum fault publish_compare(struct ledger *ledger, struct store_txn *txn)
{
    struct differing differing = {txn, json_array()};
    struct slice all = {NULL, 0};
    enum fault fault = store_scan(txn, TABLE_MEMBERS, all, all, false, look_at, &differing);
    for (size_t i = 0; fault == OK && i < json_array_size(differing.ids); i++) {
        fault = tell_again(ledger, txn, json_string_value(json_array_get(differing.ids, i)));
    }
    json_decref(differing.ids);
    return fault;
}
