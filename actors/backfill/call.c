/* call.c - one call to the provider: its key, its start, its end; and a key that is refused. */
#include "backfill_core.h"

#include "clock.h"
#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

/* --- the key ---------------------------------------------------------------------------------- */

void key_drop(char **key)
{
    if (*key) {
        explicit_bzero(*key, strlen(*key));
        free(*key);
        *key = NULL;
    }
}

bool key_take(const struct source *source, char **key, char words[KEY_WORDS_BYTES])
{
    const char *section = source_section(source->provider->kind);
    enum fault fault = source_key(source, key);
    const char *mode = fault == OK ? api_key_mode(*key) : "";
    words[0] = '\0';
    if (fault != OK) {
        snprintf(words, KEY_WORDS_BYTES, "%s/key cannot be read: %s", section, fault_words(fault));
    } else if (strspn(*key, " \t\r\n") == strlen(*key)) {
        snprintf(words, KEY_WORDS_BYTES, "no key for the provider's API is set: %s/key", section);
    } else if (*mode && (strcmp(mode, "live") == 0) != source->rules.live) {
        snprintf(words, KEY_WORDS_BYTES, "%s/key is a %s key, and the mode is %s", section, mode,
                 source->rules.live ? "live" : "test");
    }
    if (*words) {
        key_drop(key);
    }
    return !*words;
}

struct source *remote_named(const struct backfill *backfill, const char *name)
{
    for (size_t i = 0; i < backfill->remote_count; i++) {
        if (strcmp(backfill->names[i], name) == 0) {
            return backfill->remotes[i];
        }
    }
    return NULL;
}

/* --- one call --------------------------------------------------------------------------------- */

bool ask_start(struct backfill *backfill, const struct source *source, const char *key,
               struct api_ask *ask, http_done *done)
{
    struct call call = {.timeout_ms = backfill->timeout_ms};
    int64_t id;
    ask->base = settings_text(source->settings, "webhook/payment/api");
    ask->key = key;
    backfill->limit = ask->limit;
    snprintf(backfill->after, sizeof backfill->after, "%s", ask->after);
    backfill->asked_ms = clock_wall_ms();
    backfill->calling = api_request(ask, &call) == OK &&
                        http_out_start(backfill->http, &call, done, NULL, backfill, &id) == OK;
    call_fini(&call);
    return backfill->calling;
}

void ask_ended(struct backfill *backfill, const struct answer *answer, struct api_answer *said)
{
    struct api_ask ask = {.after = backfill->after, .limit = backfill->limit};
    backfill->calling = false;
    api_said(answer, &ask, &backfill->sift.tape, &backfill->page, said);
}

void wait_for(struct backfill *backfill, int64_t ms)
{
    backfill->wait_mono_ms = clock_mono_ms() + ms;
}

static enum fault key_emit(struct backfill *backfill, struct store_txn *txn, const char *source,
                           const char *error)
{
    struct event event = {.time_ms = clock_wall_ms(), .version = EVENT_VERSION};
    json_t *data = json_object();
    tree_set_text(data, "actor", "backfill");
    tree_set_text(data, "target", source);
    tree_set_text(data, "error", error);
    tree_set_int(data, "at", event.time_ms);
    snprintf(event.id, sizeof event.id, "backfill:%s:%s:%lld", error ? "refused" : "accepted",
             source, (long long)event.time_ms);
    EVENT_SET(event.type, error ? "target.refused" : "target.accepted");
    EVENT_SET(event.trace, event.id);
    enum fault fault = actor_emit(backfill->actor, txn, &event, data);
    json_decref(data);
    return fault;
}

enum fault key_tell(struct backfill *backfill, struct store_txn *txn, const char *source,
                    const char *error)
{
    char key[SOURCE_NAME_CHARS_MAX + 16];
    struct slice value;
    snprintf(key, sizeof key, "refused:%s", source);
    enum fault fault = store_get(txn, TABLE_NOTES, text_slice(key), &value);
    bool refused = fault == OK;
    if (fault != OK && fault != FAULT_NOT_FOUND) {
        return fault;
    }
    if (refused == (error != NULL)) {
        return OK;
    }
    fault = error ? store_put(txn, TABLE_NOTES, text_slice(key), text_slice("1"))
                  : store_delete(txn, TABLE_NOTES, text_slice(key));
    return fault == OK ? key_emit(backfill, txn, source, error) : fault;
}
