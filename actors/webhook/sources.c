#include "sources.h"

#include "logs.h"
#include "must.h"
#include "providers.h"
#include "rights.h"
#include "setting_value.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_CHARS_MAX = 80 };

static const char *const sections[SOURCE_KINDS] = {
    [SOURCE_PAYMENT] = "webhook/payment",
    [SOURCE_SUPPORT] = "webhook/support",
    [SOURCE_MAIL] = "webhook/mail",
};

static const char *const kind_words[SOURCE_KINDS] = {
    [SOURCE_PAYMENT] = "payments",
    [SOURCE_SUPPORT] = "support tickets",
    [SOURCE_MAIL] = "mail",
};

/* clang-format off */
const struct setting sources_settings[] = {
    {"webhook/payment/provider", SETTING_CHOICE, "stripe", 0, 0, PROVIDER_NAMES,
     "Who tells of payments; several sections `payment` are several sources."},
    {"webhook/payment/name", SETTING_TEXT, "", 0, SOURCE_NAME_CHARS_MAX, NULL,
     "What the source is called: in ids of events and in its path, /api/webhooks/payment/NAME; the "
     "provider's name without it."},
    {"webhook/payment/mode", SETTING_CHOICE, "test", 0, 0, "live|test",
     "Events of the other mode are recorded and have no effect."},
    {"webhook/payment/secret", SETTING_SECRET, NULL, 0, 0, NULL,
     "The endpoint's signing secret; one a line while rotating; file:secrets/NAME without it."},
    {"webhook/payment/products", SETTING_TEXT, "", 0, 0, NULL,
     "Price or product ids that are ours, separated by blanks; empty: all."},
    {"webhook/payment/app_user_key", SETTING_TEXT, "user_id app_user userId", 0, 0, NULL,
     "Names in the provider's metadata that hold the app's own user id."},
    {"webhook/payment/mapping", SETTING_TEXT, "", 0, 200, NULL,
     "What events of a standard source mean: polar, clerk, or a file such as mappings/own.cfg."},
    {"webhook/payment/tolerance", SETTING_DURATION, "300s", 1000, 86400000, NULL,
     "How old, or how far in the future, a signature may be."},
    {"webhook/payment/key", SETTING_SECRET, "", 0, 0, NULL,
     "A key that may read the provider's API, for what was missed; empty: nothing is asked."},
    {"webhook/payment/api", SETTING_TEXT, "https://api.stripe.com", 0, 300, NULL,
     "Base of the provider's API."},
    {"webhook/support/provider", SETTING_CHOICE, NULL, 0, 0, PROVIDER_NAMES,
     "Which support desk tells of tickets; several sections are several sources."},
    {"webhook/support/name", SETTING_TEXT, "", 0, SOURCE_NAME_CHARS_MAX, NULL,
     "What the source is called; the provider's name without it."},
    {"webhook/support/secret", SETTING_SECRET, NULL, 0, 0, NULL,
     "What it signs with; one a line while rotating; file:secrets/NAME without it."},
    {"webhook/support/tolerance", SETTING_DURATION, "300s", 1000, 86400000, NULL,
     "How old, or how far in the future, a signature may be."},
    {"webhook/mail/provider", SETTING_CHOICE, NULL, 0, 0, PROVIDER_NAMES,
     "Who tells of bounces and complaints; several sections are several sources."},
    {"webhook/mail/name", SETTING_TEXT, "", 0, SOURCE_NAME_CHARS_MAX, NULL,
     "What the source is called; the provider's name without it."},
    {"webhook/mail/secret", SETTING_SECRET, NULL, 0, 0, NULL,
     "What it signs with, or for postmark user:password, for ses the topics' ARNs; one a line; "
     "file:secrets/NAME without it."},
    {"webhook/mail/certificates", SETTING_TEXT, "", 0, 300, NULL,
     "For ses: where the certificates and confirmations of SNS are, with a slash at the end; empty: at "
     "Amazon's own hosts."},
    {"webhook/mail/tolerance", SETTING_DURATION, "300s", 1000, 86400000, NULL,
     "How old, or how far in the future, a signature may be."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};
/* clang-format on */

const char *source_section(enum source_kind kind)
{
    return sections[kind];
}

/* --- settings of one source ------------------------------------------------------------------ */

static const char *path_of(char path[PATH_CHARS_MAX], enum source_kind kind, const char *leaf)
{
    snprintf(path, PATH_CHARS_MAX, "%s/%s", sections[kind], leaf);
    return path;
}

static const char *text_of(const struct settings *settings, enum source_kind kind, const char *leaf)
{
    char path[PATH_CHARS_MAX];
    return settings_text(settings, path_of(path, kind, leaf));
}

static void wipe(char **secrets)
{
    if (*secrets) {
        OPENSSL_cleanse(*secrets, strlen(*secrets));
        free(*secrets);
        *secrets = NULL;
    }
}

/* FAULT_NOT_FOUND if there is none at all. */
static enum fault read_secrets(const struct source *source, char **secrets)
{
    char path[PATH_CHARS_MAX], usual[PATH_CHARS_MAX];
    path_of(path, source->provider->kind, "secret");
    snprintf(usual, sizeof usual, "file:secrets/%s", source->name);
    *secrets = NULL;
    enum fault fault = settings_given(source->settings, path)
                           ? settings_secret(source->settings, path, secrets)
                           : setting_resolve(settings_home(source->settings), usual, secrets);
    if (fault == OK && strspn(*secrets, " \t\r\n") == strlen(*secrets)) {
        fault = FAULT_NOT_FOUND;
    }
    if (fault != OK) {
        wipe(secrets);
    }
    return fault;
}

enum fault source_key(const struct source *source, char **key)
{
    char path[PATH_CHARS_MAX];
    return settings_secret(source->settings, path_of(path, source->provider->kind, "key"), key);
}

/* --- opening --------------------------------------------------------------------------------- */

/* Before the colon of an event's id stands the source: no actor's name, nothing that is no word. */
static bool is_name(const char *name)
{
    size_t chars = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");
    return chars > 0 && chars <= SOURCE_NAME_CHARS_MAX && name[chars] == '\0' && !rights_of(name);
}

static bool is_taken(const struct sources *sources, const char *name)
{
    for (size_t i = 0; i < sources->count; i++) {
        if (strcmp(sources->all[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static enum fault open_one(struct sources *sources, enum source_kind kind,
                           const struct settings *settings, struct buf *why)
{
    const char *section = sections[kind];
    char path[PATH_CHARS_MAX];
    const struct provider *provider = provider_find(text_of(settings, kind, "provider"));
    if (!provider || provider->kind != kind) {
        buf_printf(why, "usher.cfg: %s/provider: expected one that tells of %s\n", section,
                   kind_words[kind]);
        return FAULT_CONFIG;
    }
    const char *name = text_of(settings, kind, "name");
    name = *name ? name : provider->name;
    if (!is_name(name) || is_taken(sources, name)) {
        buf_printf(why,
                   "usher.cfg: %s/name: \"%.40s\" %s; expected small letters, digits, - or _\n",
                   section, name, is_name(name) ? "is there twice" : "cannot be a source's name");
        return FAULT_CONFIG;
    }
    struct source source = {.name = name, .provider = provider, .settings = settings};
    source.tolerance_s = settings_number(settings, path_of(path, kind, "tolerance")) / 1000;
    source.rules = (struct provider_rules){
        .live = kind != SOURCE_PAYMENT || strcmp(text_of(settings, kind, "mode"), "live") == 0,
        .products = text_of(settings, kind, "products"),
        .app_user_keys = text_of(settings, kind, "app_user_key"),
    };
    enum fault fault = read_secrets(&source, &source.secrets);
    if (fault != OK) {
        buf_printf(why, "usher.cfg: %s/secret: %s; without it nobody can be believed\n", section,
                   fault_words(fault));
        return FAULT_CONFIG;
    }
    fault = provider->open ? provider->open(settings, &source.own, why) : OK;
    if (fault != OK) {
        wipe(&source.secrets);
        return fault;
    }
    source.rules.own = source.own;
    sources->all[sources->count++] = source;
    return OK;
}

enum fault sources_open(const struct settings *settings, struct sources *out, struct buf *why)
{
    enum fault fault = OK;
    *out = (struct sources){.count = 0};
    for (enum source_kind kind = 0; kind < SOURCE_KINDS; kind++) {
        size_t given = settings_count(settings, sections[kind]);
        size_t wanted = kind == SOURCE_PAYMENT && given == 0 ? 1 : given;
        for (size_t i = 0; i < wanted; i++) {
            const struct settings *own =
                given ? settings_nth(settings, sections[kind], i) : settings;
            enum fault one = FAULT_CONFIG;
            if (out->count == SOURCES_MAX) {
                buf_printf(why, "usher.cfg: webhook: at most %d sources\n", SOURCES_MAX);
            } else {
                one = open_one(out, kind, own, why);
            }
            fault = fault == OK ? one : fault;
        }
    }
    if (fault != OK) {
        sources_close(out);
    }
    return fault;
}

void sources_close(struct sources *sources)
{
    for (size_t i = 0; i < sources->count; i++) {
        struct source *source = &sources->all[i];
        wipe(&source->secrets);
        if (source->provider->close) {
            source->provider->close(&source->own);
        }
    }
    sources->count = 0;
}

/* --- whose a post is ------------------------------------------------------------------------- */

struct source *source_named(struct sources *sources, enum source_kind kind, const char *name)
{
    for (size_t i = 0; i < sources->count; i++) {
        struct source *source = &sources->all[i];
        if (source->provider->kind == kind && strcmp(source->name, name) == 0) {
            return source;
        }
    }
    return NULL;
}

/* Has the post one of the headers that the provider signs with? */
static bool has_signature(const struct provider *provider, const struct post *post)
{
    for (const char *at = provider->signature_headers; *at;) {
        char header[64];
        const char *value;
        size_t chars = strcspn(at, " ");
        snprintf(header, sizeof header, "%.*s", (int)chars, at);
        if (post->headers(post, header, &value, 1) > 0) {
            return true;
        }
        at += chars;
        at += strspn(at, " ");
    }
    return false;
}

struct source *source_of(struct sources *sources, enum source_kind kind, const struct post *post)
{
    struct source *first = NULL;
    for (size_t i = 0; i < sources->count; i++) {
        struct source *source = &sources->all[i];
        if (source->provider->kind != kind) {
            continue;
        }
        if (has_signature(source->provider, post)) {
            return source;
        }
        first = first ? first : source;
    }
    return first;
}

void source_renew(struct source *source)
{
    char *fresh = NULL;
    enum fault fault = read_secrets(source, &fresh);
    if (fault != OK) {
        if (!source->secrets_lost) {
            logs_write(LOGS_ERROR, "the signing secret cannot be read; the known one stays",
                       "source", source->name, "fault", fault_name(fault), NULL);
        }
        source->secrets_lost = true;
        return;
    }
    source->secrets_lost = false;
    if (strcmp(fresh, source->secrets) == 0) {
        wipe(&fresh);
        return;
    }
    wipe(&source->secrets);
    source->secrets = fresh;
    logs_write(LOGS_INFO, "the signing secret has changed", "source", source->name, NULL);
}
