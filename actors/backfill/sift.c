#include "sift.h"

#include "intake.h"
#include "known.h"
#include "objects.h"
#include "picture.h"
#include "values.h"

#include <stdio.h>
#include <string.h>

enum { HASH_CHARS = 16, OBJECT_ID_CHARS_MAX = 160 };

void sift_fini(struct sift *sift)
{
    tape_fini(&sift->tape);
    buf_fini(&sift->envelope);
    buf_fini(&sift->data);
    buf_fini(&sift->packed);
    buf_fini(&sift->reason);
}

static size_t no_headers(const struct post *post, const char *name, const char **values,
                         size_t room)
{
    (void)post, (void)name, (void)values, (void)room;
    return 0;
}

static bool translate(struct sift *sift, const struct source *source, struct slice body,
                      struct translation *out)
{
    struct post post = {.body = body, .headers = no_headers};
    return tape_parse(&sift->tape, body.bytes, body.len) == OK &&
           source->provider->translate(&post, &sift->tape, &source->rules, out) == OK;
}

static void pack(struct sift *sift, const struct source *source, struct slice raw, int64_t now_ms,
                 const char *reason, struct finding *out)
{
    struct intake intake = {source->name, &out->translation, raw, now_ms, reason};
    out->reason = reason;
    intake_pack(&intake, out->id, &sift->data, &sift->packed);
    out->unreadable = sift->packed.len > EVENT_BYTES_MAX;
    out->found = !out->unreadable;
}

enum fault sift_event(struct sift *sift, struct store_txn *txn, const struct source *source,
                      struct slice item, int64_t now_ms, bool raw, struct finding *out)
{
    out->found = false;
    out->unreadable = !translate(sift, source, item, &out->translation);
    if (out->unreadable) {
        return OK;
    }
    bool seen = false;
    snprintf(out->id, sizeof out->id, "%s:%s", source->name, out->translation.id);
    enum fault fault = picture_seen(txn, out->id, &seen);
    if (fault == OK && !seen) {
        pack(sift, source, raw ? item : (struct slice){"", 0}, now_ms,
             "missed: it was never delivered", out);
    }
    return fault;
}

/* --- objects --------------------------------------------------------------------------------- */

/* Names what the object says and what it was compared with. */
static void hash_of(struct sift *sift, const struct translation *translation,
                    const struct known *known, char hash[HASH_CHARS + 1])
{
    uint8_t digest[SHA256_BYTES];
    buf_reset(&sift->data);
    for (size_t i = 0; i < translation->fact_count; i++) {
        fact_pack(&translation->facts[i], &sift->data);
    }
    if (known->there) {
        value_pack(known->tree, &sift->data);
    }
    sha256(sift->data.bytes, sift->data.len, digest);
    hex_encode(digest, HASH_CHARS / 2, hash);
}

static bool enclose(struct sift *sift, const struct source *source,
                    const struct sift_object *object, const char *id, const char *type,
                    int64_t at_ms, struct translation *out)
{
    struct envelope envelope = {id, type, at_ms, source->rules.live, object->item};
    bool whole = tape_parse(&sift->tape, object->item.bytes, object->item.len) == OK;
    if (whole) {
        object_envelope(&envelope, &sift->tape, &sift->envelope);
        struct slice body = {sift->envelope.bytes, sift->envelope.len};
        whole = translate(sift, source, body, out);
    }
    return whole;
}

/* Is it worth telling, and why? */
static bool differs(struct sift *sift, const struct sift_object *object, const struct known *known,
                    const struct fact *fact)
{
    buf_reset(&sift->reason);
    buf_printf(&sift->reason, "%s: ", object->why);
    if (!known_counts(fact->kind)) {
        buf_add_text(&sift->reason, "what belongs together was never told");
        return object->links;
    }
    if (known->there && known->doubt) {
        buf_add_text(&sift->reason, "two changes of one second, of which either may be the last");
        return true;
    }
    if (known_differs(known->there ? &known->fact : NULL, fact, &sift->reason)) {
        return true;
    }
    buf_add_text(&sift->reason, "what belongs together was never told");
    return object->links;
}

static bool is_over(const struct fact *fact)
{
    return strcmp(fact->status, "canceled") == 0 || strcmp(fact->status, "incomplete_expired") == 0;
}

/* A refund that its charge has told of, or of a purchase that we know nothing of, changes nothing.
 */
static enum fault refund_matters(struct store_txn *txn, const struct source *source,
                                 const struct fact *fact, bool *matters)
{
    struct known charge;
    bool homed = false;
    enum fault fault = picture_known(txn, source->name, FACT_REFUND, fact->object, &charge);
    bool told = charge.there && charge.fact.amount >= fact->amount &&
                strcmp(fact->status, "succeeded") == 0;
    known_fini(&charge);
    const char *from = *fact->payment_intent ? fact->payment_intent : fact->object;
    fault = fault == OK ? picture_homed(txn, source->name, from, &homed) : fault;
    *matters = homed && !told;
    return fault;
}

/* Of an account that is older than this fleet much was never told: only what somebody's access may
 * depend on is taken in. */
static enum fault matters(struct store_txn *txn, const struct source *source,
                          const struct fact *fact, bool *out)
{
    *out = true;
    switch (fact->kind) {
    case FACT_CUSTOMER:
        *out = false;
        return OK;
    case FACT_SUBSCRIPTION:
        *out = !is_over(fact);
        return OK;
    case FACT_REFUND_STATE:
        return refund_matters(txn, source, fact, out);
    case FACT_DISPUTE:
        return picture_homed(txn, source->name,
                             *fact->payment_intent ? fact->payment_intent : fact->object, out);
    default:
        return OK;
    }
}

enum fault sift_object(struct sift *sift, struct store_txn *txn, const struct source *source,
                       const struct sift_object *object, struct finding *out)
{
    out->found = out->unreadable = false;
    if (tape_parse(&sift->tape, object->item.bytes, object->item.len) != OK) {
        out->unreadable = true;
        return OK;
    }
    const char *type = object_type(&sift->tape);
    const char *id = tape_text(&sift->tape, tape_get(&sift->tape, TAPE_ROOT, "id"));
    int64_t object_ms = object_time(&sift->tape);
    object_ms = object_ms ? object_ms : object->asked_ms;
    if (!type || strlen(id) > OBJECT_ID_CHARS_MAX) {
        return OK;
    }
    struct translation *translation = &out->translation;
    char name[OBJECT_ID_CHARS_MAX + HASH_CHARS + sizeof "state::"], hash[HASH_CHARS + 1];
    snprintf(name, sizeof name, "state:%s:", id);
    if (!enclose(sift, source, object, name, type, object_ms, translation)) {
        out->unreadable = true;
        return OK;
    }
    if (*translation->ignored || translation->fact_count == 0) {
        return OK;
    }
    struct known known = {0};
    const struct fact *fact = &translation->facts[0];
    enum fault fault = picture_known(txn, source->name, fact->kind, fact->key, &known);
    bool tells = true;
    if (fault == OK && object->everybody && !known.there) {
        fault = matters(txn, source, fact, &tells);
    }
    if (fault == OK && tells && differs(sift, object, &known, fact)) {
        int64_t at_ms =
            known_stamp(known.there ? &known.fact : NULL, fact, object_ms, object->asked_ms);
        hash_of(sift, translation, &known, hash);
        strcat(name, hash);
        out->unreadable = !enclose(sift, source, object, name, type, at_ms, translation);
        if (!out->unreadable) {
            struct slice raw = {sift->envelope.bytes, object->raw ? sift->envelope.len : 0};
            pack(sift, source, raw, object->now_ms, buf_text(&sift->reason), out);
        }
    }
    known_fini(&known);
    return fault;
}
