#include "signing.h"

#include "must.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct signing {
    struct dkim_signer signers[DKIM_KIND_COUNT];
    struct dkim_key *keys[DKIM_KIND_COUNT];
    size_t count;
};

const struct setting signing_settings[] = {
    {"mailer/dkim/domain", SETTING_TEXT, "", 0, 200, NULL,
     "The domain that signs mails (DKIM), that of the sender; empty: not signed. For smtp and "
     "maildir; a provider's API signs by itself."},
    {"mailer/dkim/rsa/selector", SETTING_TEXT, "usher-rsa", 1, 63, NULL,
     "Where the DNS has the RSA key: <selector>._domainkey.<domain>."},
    {"mailer/dkim/rsa/key", SETTING_SECRET, "", 0, 0, NULL,
     "The RSA key (PEM), such as file:secrets/dkim-rsa; `usher dkim` makes it."},
    {"mailer/dkim/ed25519/selector", SETTING_TEXT, "usher-ed25519", 1, 63, NULL,
     "Where the DNS has the Ed25519 key."},
    {"mailer/dkim/ed25519/key", SETTING_SECRET, "", 0, 0, NULL,
     "The Ed25519 key (PEM), beside the RSA key: many receivers know only RSA."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

/* Is one the other, or below it? Both orders align for DMARC. */
static bool below(const char *name, const char *above)
{
    size_t len = strlen(name), above_len = strlen(above);
    const char *end = len >= above_len ? name + (len - above_len) : "";
    return strcasecmp(end, above) == 0 && (end == name || end[-1] == '.');
}

static bool check_domain(const char *domain, const char *from, struct buf *why)
{
    const char *of_from = strrchr(from, '@') ? strrchr(from, '@') + 1 : from;
    if (!dkim_name_good(domain)) {
        buf_add_text(why, "usher.cfg: mailer/dkim/domain: expected a domain such as example.com\n");
        return false;
    }
    if (!below(domain, of_from) && !below(of_from, domain)) {
        buf_printf(why,
                   "usher.cfg: mailer/dkim/domain: mails come from %s, so that a signature of %s "
                   "would not count (DMARC)\n",
                   of_from, domain);
        return false;
    }
    return true;
}

/* One kind of key, if there is one in the settings. */
static bool add_key(const struct settings *settings, enum dkim_kind kind, struct signing *signing,
                    struct buf *why)
{
    char *pem = NULL;
    struct buf words = {0};
    char *selector_path = must_sprintf("mailer/dkim/%s/selector", dkim_kind_name(kind));
    char *key_path = must_sprintf("mailer/dkim/%s/key", dkim_kind_name(kind));
    const char *selector = settings_text(settings, selector_path);
    bool good = true;
    if (!settings_given(settings, key_path)) {
        goto out;
    }
    good = dkim_name_good(selector);
    if (!good) {
        buf_printf(why, "usher.cfg: %s: expected letters, digits, hyphens and dots\n",
                   selector_path);
    }
    enum fault fault = settings_secret(settings, key_path, &pem);
    if (fault != OK) {
        buf_printf(why, "usher.cfg: %s: cannot read the key: %s\n", key_path, fault_words(fault));
        good = false;
    } else if (dkim_key_read(kind, pem, &signing->keys[kind], &words) != OK) {
        buf_printf(why, "usher.cfg: %s: %s\n", key_path, buf_text(&words));
        good = false;
    } else {
        signing->signers[signing->count++] = (struct dkim_signer){
            settings_text(settings, "mailer/dkim/domain"), selector, signing->keys[kind]};
    }
out:
    free(pem);
    free(selector_path);
    free(key_path);
    buf_fini(&words);
    return good;
}

enum fault signing_open(const struct settings *settings, const char *from, struct signing **out,
                        struct buf *why)
{
    struct signing *signing = must_calloc(1, sizeof *signing);
    const char *domain = settings_text(settings, "mailer/dkim/domain");
    bool good = true;
    *out = signing;
    if (!*domain) {
        return OK;
    }
    good = check_domain(domain, from, why);
    for (int kind = 0; kind < DKIM_KIND_COUNT; kind++) {
        good &= add_key(settings, (enum dkim_kind)kind, signing, why);
    }
    if (good && signing->count == 0) {
        buf_add_text(why,
                     "usher.cfg: mailer/dkim/rsa/key: expected a key to sign with; `usher dkim` "
                     "makes one and says what the DNS needs\n");
        good = false;
    }
    if (!good) {
        signing_close(out);
    }
    return good ? OK : FAULT_CONFIG;
}

void signing_close(struct signing **out)
{
    struct signing *signing = *out;
    if (!signing) {
        return;
    }
    *out = NULL;
    for (int kind = 0; kind < DKIM_KIND_COUNT; kind++) {
        dkim_key_destroy(&signing->keys[kind]);
    }
    free(signing);
}

enum fault signing_add(const struct signing *signing, const char *message, int64_t time_ms,
                       struct buf *out)
{
    enum fault fault = OK;
    for (size_t i = 0; fault == OK && i < signing->count; i++) {
        fault = dkim_sign(&signing->signers[i], dkim_fields, message, time_ms / 1000, out);
    }
    buf_add_text(out, message);
    return fault;
}
