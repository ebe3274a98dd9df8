/* provider.h - what a payment provider is: one const struct in one file.
 *
 * Use        The door verifies a request's bytes, then translates them into facts. Both calls are
 *            pure: bytes, settings and time in, words out. A provider never answers, stores or logs.
 *            To add one, write its file and name it in provider.c.
 * Ownership  A translation borrows from the tape. */
#ifndef USHER_PROVIDER_H
#define USHER_PROVIDER_H

#include "digest.h"
#include "facts.h"
#include "json_tape.h"

#include <stdbool.h>
#include <stdint.h>

/* What became of a signature. Only FORGED and STALE come from somebody who knows the scheme: they
 * count as trouble of ours (a wrong secret, a wrong clock); the rest is noise. */
enum verdict {
    VERDICT_GENUINE,
    VERDICT_MISSING,   /* no header */
    VERDICT_DOUBLED,   /* more than one header */
    VERDICT_MALFORMED, /* not a header of this scheme */
    VERDICT_FORGED,    /* well formed, and made with no secret of ours */
    VERDICT_STALE      /* genuine, and too old or too far in the future */
};

/* The settings that translation depends on. Lists are separated by blanks or commas. */
struct provider_rules {
    bool live;
    const char *products;      /* price or product ids that are ours; "": all */
    const char *app_user_keys; /* names in metadata that hold the app's own user id */
};

struct translation {
    const char *id;            /* the provider's, without our prefix */
    const char *provider_type; /* "invoice.paid" */
    const char *type;          /* of event_table.h */
    const char *ignored;       /* why it has no effect; "" if it has */
    int64_t created_s;
    bool livemode;
    size_t fact_count;
    struct fact facts[FACTS_MAX];
};

struct payment_provider {
    const char *name; /* stands before the colon of event ids */
    const char *signature_header;
    enum verdict (*verify)(const char *const *headers, size_t header_count, struct slice body,
                           const char *secrets, int64_t now_s, int64_t tolerance_s);
    /* FAULT_MALFORMED if it is not an event at all (no id, no type); whatever has an id is
     * recorded, as provider.ignored if need be: sending it again would not make it better. */
    enum fault (*translate)(const struct tape *tape, const struct provider_rules *rules,
                            struct translation *out);
};

extern const struct payment_provider payment_stripe;

/* NULL if there is no such provider. */
const struct payment_provider *payment_provider_find(const char *name);

#endif
