/* drill_sources.c - who posts to the webhook: their sections of usher.cfg, and who speaks for
 * them. */
#include "drill_section.h"

#include "seller.h"

#include <stdlib.h>
#include <string.h>

const struct drill_source *drill_home_source(const struct drill_home *drill, const char *kind,
                                             const char *provider)
{
    for (size_t i = 0; i < drill->source_count; i++) {
        const struct drill_source *source = &drill->sources[i];
        if (strcmp(source->kind, kind) == 0 && strcmp(source->provider, provider) == 0) {
            return source;
        }
    }
    return NULL;
}

/* It signs with a secret of the drill's, wherever the founder's is. NULL: there are too many. */
static struct drill_source *write_source_secret(struct section *section, const char *kind,
                                                const char *provider, const char *name)
{
    struct drill_home *drill = section->drill;
    if (drill->source_count == DRILL_SOURCES_MAX) {
        buf_printf(section->why, "usher.cfg: webhook: too many sources for a drill\n");
        return NULL;
    }
    struct drill_source *source = &drill->sources[drill->source_count++];
    snprintf(source->kind, sizeof source->kind, "%s", kind);
    snprintf(source->provider, sizeof source->provider, "%s", provider);
    snprintf(source->name, sizeof source->name, "%s", *name ? name : provider);
    char *value = section_secret(section, source->secret, sizeof source->secret);
    section_put_changed(section, section->depth, "secret", value);
    free(value);
    return source;
}

/* A section payment, support or mail of the webhook. Its key, which would ask the provider's API
 * for what was missed, is left out. */
void section_source(struct section *section, zconfig_t *node)
{
    const char *kind = zconfig_name(node);
    bool pays = strcmp(kind, "payment") == 0;
    const char *provider = zconfig_get(node, "provider", pays ? "stripe" : "");
    for (zconfig_t *at = zconfig_child(node); at; at = zconfig_next(at)) {
        const char *name = zconfig_name(at);
        if (strcmp(name, "key") == 0) {
            section_note(section, name, "left out");
        } else if (strcmp(name, "secret") != 0) {
            section_leaf(section, at);
        }
    }
    struct drill_source *source =
        write_source_secret(section, kind, provider, zconfig_get(node, "name", ""));
    if (source) {
        const char *products = zconfig_get(node, "products", "");
        snprintf(source->product, sizeof source->product, "%.*s", (int)strcspn(products, " \t,"),
                 products);
    }
}

/* Which source tells of payments: the first that the drill can speak for; the others are named.
 * Where it can speak for none there is one of Stripe's beside them, and what is the provider's own
 * has not been drilled. */
void section_settle_payments(struct section *section)
{
    struct drill_home *drill = section->drill;
    struct section inner = *section;
    size_t count = drill->source_count;
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        if (!found && strcmp(drill->sources[i].kind, "payment") == 0 &&
            seller_find(drill->sources[i].provider)) {
            drill->payments = i;
            found = true;
        }
    }
    for (size_t i = 0; i < count; i++) {
        bool pays = strcmp(drill->sources[i].kind, "payment") == 0;
        if (pays && !(found && i == drill->payments)) {
            section_missing(drill, found ? "webhook" : "payment", drill->sources[i].provider);
        }
    }
    if (found) {
        return;
    }
    snprintf(inner.path, sizeof inner.path, "webhook/payment");
    inner.depth = 2;
    buf_printf(section->out, "%*spayment\n", SECTION_INDENT, "");
    section_put(&inner, 2, "provider", "stripe");
    section_put(&inner, 2, "name", "drill");
    drill->payments = drill->source_count;
    (void)write_source_secret(&inner, "payment", "stripe", "drill");
}

bool section_is_source(const char *path)
{
    return strcmp(path, "webhook/payment") == 0 || strcmp(path, "webhook/support") == 0 ||
           strcmp(path, "webhook/mail") == 0;
}
