/* provider.h - who posts to us: one const struct in one file of providers/, found by the build.
 *
 * Use        A provider's file defines `const struct provider provider_<name>`. The door verifies a
 *            post's bytes, then translates them into facts. Both calls are pure: bytes, settings and
 *            time in, words out. A provider never answers, stores or logs. One whose signature needs a
 *            document from elsewhere (a certificate) says where it is; the door fetches it and asks
 *            again. It names no URL that a stranger could have chosen.
 * Ownership  A translation borrows from the tape and the post. */
#ifndef USHER_PROVIDER_H
#define USHER_PROVIDER_H

#include "digest.h"
#include "facts.h"
#include "json_tape.h"
#include "settings.h"

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
    VERDICT_STALE,     /* genuine, and too old or too far in the future */
    VERDICT_UNDECIDED  /* not without the document at *post->document_url */
};

/* What a provider tells of. */
enum source_kind { SOURCE_PAYMENT, SOURCE_SUPPORT, SOURCE_MAIL, SOURCE_KINDS };

enum { URL_CHARS_MAX = 1000 };

/* What arrived. */
struct post {
    struct slice body;
    const void *request; /* for headers() alone */
    /* Fills in at most `room` values of a header and says how many there are. */
    size_t (*headers)(const struct post *post, const char *name, const char **values, size_t room);
    const void *own;       /* what the provider's open() made for this source */
    struct slice document; /* what was at document_url; empty: not fetched yet */
    char *document_url;    /* room for URL_CHARS_MAX and a NUL */
};

/* The one value of a header. NULL, and *wrong says MISSING or DOUBLED. */
const char *post_header(const struct post *post, const char *name, enum verdict *wrong);

/* The settings of a source that translation depends on. Lists are separated by blanks or commas. */
struct provider_rules {
    bool live;
    const char *products;      /* price or product ids that are ours; "": all */
    const char *app_user_keys; /* names in metadata that hold the app's own user id */
    const void *own;           /* what the provider's open() made */
};

enum { TRANSLATION_ID_CHARS_MAX = 200, TRANSLATION_ROOM_BYTES = 8192 };

struct translation {
    const char *id;            /* the provider's, without our prefix; may point to id_room */
    const char *provider_type; /* "invoice.paid" */
    const char *type;          /* of event_table.h */
    const char *ignored;       /* why it has no effect; "" if it has */
    const char *visit;         /* a URL to be got before it is recorded; "": none */
    int64_t created_s;
    bool livemode;
    size_t fact_count;
    struct fact facts[FACTS_MAX];
    char id_room[TRANSLATION_ID_CHARS_MAX + 1]; /* for a provider that gives no id of its own */
    char room[TRANSLATION_ROOM_BYTES];          /* texts of facts that stand nowhere in the body */
    size_t room_used;
    bool room_full; /* something did not fit: the facts are not whole */
};

struct provider {
    const char *name;
    enum source_kind kind;
    /* The header, or headers separated by blanks, of which one is there in every genuine post: what
     * tells several sources at one path apart. */
    const char *signature_headers;
    enum verdict (*verify)(const struct post *post, const char *secrets, int64_t now_s,
                           int64_t tolerance_s);
    /* FAULT_MALFORMED if it is not an event at all (no id, no type); whatever has an id is
     * recorded, as provider.ignored if need be: sending it again would not make it better. */
    enum fault (*translate)(const struct post *post, const struct tape *tape,
                            const struct provider_rules *rules, struct translation *out);
    /* What a source of this provider needs beyond its settings, made at start and by --check:
     * FAULT_CONFIG with a line for each mistake in `why`. Both NULL if there is nothing. */
    enum fault (*open)(const struct settings *settings, void **own, struct buf *why);
    void (*close)(void **own);
};

/* NULL if there is no such provider. */
const struct provider *provider_find(const char *name);

#endif
