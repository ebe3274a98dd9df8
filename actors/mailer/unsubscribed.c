#include "unsubscribed.h"

#include "mailer.h"

#include <string.h>

static struct slice key_of(const char *id)
{
    return (struct slice){id, strlen(id)};
}

enum fault unsubscribed_apply(struct store_txn *txn, const struct event *event)
{
    json_t *data = event_data(event);
    const char *id = tree_text(data, "id");
    enum fault fault = OK;
    if (strlen(id) == UNSUBSCRIBE_ID_CHARS) {
        json_t *row = json_object();
        tree_set_int(row, "at", event->time_ms);
        tree_set_text(row, "event", event->id);
        fault = tree_save(txn, MAILER_TABLE_UNSUBSCRIBED, key_of(id), row);
        json_decref(row);
    }
    json_decref(data);
    return fault;
}

enum fault unsubscribed_find(struct store_txn *txn, const struct unsubscribe_key *key,
                             const char *address, bool *found)
{
    char id[UNSUBSCRIBE_ID_CHARS + 1];
    json_t *row = NULL;
    unsubscribe_id(key, address, id);
    enum fault fault = tree_load(txn, MAILER_TABLE_UNSUBSCRIBED, key_of(id), &row);
    *found = row != NULL;
    json_decref(row);
    return fault;
}
