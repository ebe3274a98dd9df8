/* sources.h - who may post to us, as usher.cfg says: a section webhook/payment, webhook/support or
 * webhook/mail each, as many as there are.
 *
 * Use        sources_open() at start, sources_check() for --check. source_named() and source_of()
 *            find whose a post is; source_renew() reads its secrets again.
 * Promise    Names are unlike each other and stand before the colon of event ids, so that ids of two
 *            sources never meet. Without any payment section there is one of Stripe.
 * Ownership  Secrets are wiped before they are freed. Everything lives until sources_close().
 * Threads    One. */
#ifndef USHER_SOURCES_H
#define USHER_SOURCES_H

#include "provider.h"

enum { SOURCES_MAX = 16, SOURCE_NAME_CHARS_MAX = 32 };

struct source {
    const char *name; /* its own, or its provider's */
    const struct provider *provider;
    const struct settings *settings; /* a view: paths below source_section() are this source's */
    struct provider_rules rules;
    int64_t tolerance_s;
    char *secrets; /* one a line */
    bool secrets_lost;
    void *own;
};

struct sources {
    struct source all[SOURCES_MAX];
    size_t count;
};

extern const struct setting sources_settings[];

/* "webhook/payment" */
const char *source_section(enum source_kind kind);

/* FAULT_CONFIG with a line for each mistake in `why`; then nothing is open. */
enum fault sources_open(const struct settings *settings, struct sources *out,
                        struct buf *why) NODISCARD;
void sources_close(struct sources *sources);

/* The source of that name and kind, or NULL. */
struct source *source_named(struct sources *sources, enum source_kind kind, const char *name);
/* Of the sources of that kind the one whose signature header the post has, else the first; NULL if
 * there is none of that kind. */
struct source *source_of(struct sources *sources, enum source_kind kind, const struct post *post);

/* Reads the secrets again; what cannot be read leaves those that are known. */
void source_renew(struct source *source);

/* The key for the provider's own API, or "" if none is set; *key is the caller's. */
enum fault source_key(const struct source *source, char **key) NODISCARD;

#endif
