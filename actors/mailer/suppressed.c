#include "suppressed.h"

#include "facts.h"
#include "mailer.h"
#include "values.h"

#include <ctype.h>
#include <string.h>

/* The table's key; empty for what is no address that mail could go to. */
static struct slice key_of(const char *address, char room[STORE_KEY_BYTES_MAX])
{
    size_t len = 0;
    while (isspace((unsigned char)*address)) {
        address++;
    }
    for (; address[len] && len < STORE_KEY_BYTES_MAX; len++) {
        char c = address[len];
        room[len] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    bool whole = address[len] == '\0';
    while (len && isspace((unsigned char)room[len - 1])) {
        len--;
    }
    return (struct slice){room, whole && memchr(room, '@', len) ? len : 0};
}

static enum fault suppress(struct store_txn *txn, const struct event *event,
                           const struct fact *fact)
{
    char room[STORE_KEY_BYTES_MAX];
    struct slice key = key_of(fact->email, room);
    if (key.len == 0) {
        return OK;
    }
    json_t *row = json_object();
    tree_set_text(row, "status", fact->status);
    tree_set_text(row, "reason", fact->reason);
    tree_set_int(row, "at", fact->at_ms ? fact->at_ms : event->time_ms);
    tree_set_text(row, "event", event->id);
    enum fault fault = tree_save(txn, MAILER_TABLE_SUPPRESSED, key, row);
    json_decref(row);
    return fault;
}

enum fault suppressed_apply(struct store_txn *txn, const struct event *event)
{
    json_t *data = event_data(event);
    const json_t *facts = tree_get(data, "facts");
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < json_array_size(facts); i++) {
        struct fact fact;
        bool stops = fact_read(json_array_get(facts, i), &fact) == OK && fact.kind == FACT_BOUNCE &&
                     strcmp(fact.status, "soft") != 0;
        fault = stops ? suppress(txn, event, &fact) : OK;
    }
    json_decref(data);
    return fault;
}

enum fault suppressed_find(struct store_txn *txn, const char *address, json_t **row)
{
    char room[STORE_KEY_BYTES_MAX];
    struct slice key = key_of(address, room);
    *row = NULL;
    return key.len ? tree_load(txn, MAILER_TABLE_SUPPRESSED, key, row) : OK;
}

void suppressed_words(const json_t *row, struct buf *out)
{
    const char *reason = tree_text(row, "reason");
    bool spam = strcmp(tree_text(row, "status"), "complaint") == 0;
    buf_add_text(out, spam ? "the person marked our mail as spam" : "mail to this address bounced");
    if (*reason) {
        buf_printf(out, " (%s)", reason);
    }
    buf_add_text(out, "; none is sent there until a person sends one again");
}

enum fault suppressed_lift(struct store_txn *txn, const char *address)
{
    char room[STORE_KEY_BYTES_MAX];
    struct slice key = key_of(address, room);
    return key.len ? store_delete(txn, MAILER_TABLE_SUPPRESSED, key) : OK;
}
