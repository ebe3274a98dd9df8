#include "event_view.h"

#include "money.h"
#include "must.h"
#include "rights.h"
#include "values.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* --- what is private ------------------------------------------------------------------------- */

static bool is_local_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr(".!#$%&'*+/=?^_`{|}~-", c)) || c & 0x80;
}

static bool is_domain_char(char c)
{
    return isalnum((unsigned char)c) || (c && strchr(".-", c)) || c & 0x80;
}

/* "card:in_1@hook-1" names a job at a slot and must stay whole: a domain without a dot, behind what
 * follows a colon. */
static bool is_job_key(const char *text, const char *start, const char *at)
{
    if (start == text || start[-1] != ':') {
        return false;
    }
    for (at++; is_domain_char(*at); at++) {
        if (*at == '.') {
            return false;
        }
    }
    return true;
}

void view_redact_text(const char *text, struct buf *out)
{
    const char *done = text;
    for (const char *at = text; (at = strchr(at, '@')); at++) {
        const char *start = at;
        while (start > done && is_local_char(start[-1])) {
            start--;
        }
        if (start == at || !is_domain_char(at[1]) || is_job_key(text, start, at)) {
            continue;
        }
        size_t first = 1; /* the whole first character */
        while (start + first < at && (start[first] & 0xC0) == 0x80) {
            first++;
        }
        buf_add(out, done, (size_t)(start - done));
        buf_add(out, start, first);
        buf_add_text(out, "***");
        done = at;
    }
    buf_add_text(out, done);
}

static void redact_name(json_t *name)
{
    const char *text = json_string_value(name);
    size_t first = *text ? 1 : 0;
    while (first && (text[first] & 0xC0) == 0x80) {
        first++;
    }
    char *masked = must_sprintf("%.*s%s", (int)first, text, *text ? "***" : "");
    MUST(json_string_set(name, masked) == 0);
    free(masked);
}

void view_redact(json_t *tree)
{
    const char *key;
    json_t *value;
    size_t i;
    void *next;
    switch (json_typeof(tree)) {
    case JSON_OBJECT:
        json_object_foreach_safe(tree, next, key, value)
        {
            if ((strcmp(key, "name") == 0 || strcmp(key, "app_user") == 0) &&
                json_is_string(value)) {
                redact_name(value);
            } else {
                view_redact(value);
            }
        }
        break;
    case JSON_ARRAY:
        json_array_foreach(tree, i, value)
        {
            view_redact(value);
        }
        break;
    case JSON_STRING:
        if (strchr(json_string_value(tree), '@')) {
            struct buf masked = {0};
            view_redact_text(json_string_value(tree), &masked);
            MUST(json_string_set(tree, buf_text(&masked)) == 0);
            buf_fini(&masked);
        }
        break;
    default:
        break;
    }
}

void view_drop_raw(json_t *event)
{
    json_t *data = tree_get(event, "data");
    json_t *raw = tree_get(data, "raw");
    if (json_is_string(raw)) {
        tree_set_int(data, "raw_bytes", (int64_t)json_string_length(raw));
        json_object_del(data, "raw");
    }
}

/* --- words ----------------------------------------------------------------------------------- */

static void fact_money(const json_t *fact, struct buf *out)
{
    money_words(tree_int(fact, "amount"), tree_text(fact, "currency"), out);
}

static void words_of_refund(const json_t *fact, struct buf *out)
{
    fact_money(fact, out);
    if (tree_int(fact, "amount") < tree_int(fact, "of")) {
        buf_add_text(out, " of ");
        money_words(tree_int(fact, "of"), tree_text(fact, "currency"), out);
    }
    buf_printf(out, " refunded (%s)", tree_text(fact, "key"));
}

static void words_of_fact(const json_t *fact, struct buf *out)
{
    const char *kind = tree_text(fact, "kind"), *status = tree_text(fact, "status");
    const char *key = tree_text(fact, "key");
    if (strcmp(kind, "payment") == 0) {
        fact_money(fact, out);
        buf_printf(out, " %s (%s)", status, key);
    } else if (strcmp(kind, "refund") == 0) {
        words_of_refund(fact, out);
    } else if (strcmp(kind, "refund_state") == 0) {
        buf_add_text(out, "refund of ");
        fact_money(fact, out);
        buf_printf(out, " %s (%s)", status, key);
    } else if (strcmp(kind, "dispute") == 0) {
        buf_printf(out, "dispute over ");
        fact_money(fact, out);
        buf_printf(out, " %s (%s)", status, key);
    } else if (strcmp(kind, "subscription") == 0) {
        buf_printf(out, "subscription %s%s (%s)", status,
                   tree_int(fact, "ends_ms") ? ", will end" : "", key);
    } else if (strcmp(kind, "customer") == 0) {
        buf_printf(out, "customer %s %s%s(%s)", tree_flag(fact, "deleted") ? "deleted" : "is",
                   tree_text(fact, "email"), *tree_text(fact, "email") ? " " : "", key);
    } else if (strcmp(kind, "link") == 0) {
        buf_printf(out, "%s belongs to %s", key, tree_text(fact, "object"));
    } else {
        buf_printf(out, "%s %s (%s)", kind, status, key);
    }
}

static void words_of_provider(const json_t *data, struct buf *out)
{
    const char *ignored = tree_text(data, "ignored");
    const char *type = tree_text(data, "provider_type");
    json_t *first = json_array_get(tree_get(data, "facts"), 0);
    if (*ignored) {
        buf_printf(out, "%s: %s", *type ? type : "ignored", ignored);
    } else if (first) {
        words_of_fact(first, out);
        buf_printf(out, "%s%s", *type ? ", " : "", type);
    } else {
        buf_add_text(out, type);
    }
}

static void words_of_member(const json_t *data, struct buf *out)
{
    const char *name =
        *tree_text(data, "name") ? tree_text(data, "name") : tree_text(data, "email");
    const char *rule = tree_text(data, "rule"), *reason = tree_text(data, "reason");
    buf_printf(out, "%s%s%s, access %s", name, *name ? ": " : "", tree_text(data, "state"),
               tree_flag(data, "access") ? "on" : "off");
    if (*reason) {
        buf_printf(out, ": %s", reason);
    }
    if (*rule) {
        buf_printf(out, " (rule: %s)", rule);
    }
}

static void words_of_job(const json_t *data, struct buf *out)
{
    const char *error = tree_text(data, "error"), *target = tree_text(data, "target");
    buf_printf(out, "%s %s", tree_text(data, "kind"), tree_text(data, "state"));
    if (*target) {
        buf_printf(out, " at %s", target);
    }
    if (tree_int(data, "version")) {
        buf_printf(out, ", version %lld", (long long)tree_int(data, "version"));
    }
    if (tree_int(data, "attempt") > 1) {
        buf_printf(out, ", attempt %lld", (long long)tree_int(data, "attempt"));
    }
    if (tree_int(data, "latency_ms")) {
        buf_printf(out, ", took %lld ms", (long long)tree_int(data, "latency_ms"));
    }
    if (*error) {
        buf_printf(out, ": %s", error);
    }
}

static void words_of_admin(const char *type, const json_t *data, struct buf *out)
{
    const char *text =
        *tree_text(data, "reason") ? tree_text(data, "reason") : tree_text(data, "text");
    buf_add_text(out, type + strlen("admin."));
    if (*tree_text(data, "key")) {
        buf_printf(out, " %s of %s", tree_text(data, "key"), tree_text(data, "actor"));
    }
    if (*text) {
        buf_printf(out, ": %s", text);
    }
}

/* What no row below knows: the texts of the data, as they stand. */
static void words_of_other(const json_t *data, struct buf *out)
{
    const char *key;
    json_t *value;
    size_t said = 0;
    json_object_foreach((json_t *)data, key, value)
    {
        if (json_is_string(value) && *json_string_value(value)) {
            buf_printf(out, "%s%s", said++ ? ", " : "", json_string_value(value));
        } else if (json_is_integer(value) && json_integer_value(value)) {
            buf_printf(out, "%s%s %lld", said++ ? ", " : "", key,
                       (long long)json_integer_value(value));
        }
    }
}

static bool is_of(const char *type, const char *family)
{
    return strncmp(type, family, strlen(family)) == 0;
}

void view_words(const json_t *event, struct buf *out)
{
    const char *type = tree_text(event, "type");
    const json_t *data = tree_get(event, "data");
    if (tree_get(data, "facts") || tree_get(data, "provider_type")) {
        words_of_provider(data, out);
    } else if (strcmp(type, "member.due") == 0) {
        buf_add_text(out, "a deadline passed");
    } else if (is_of(type, "member.")) {
        words_of_member(data, out);
    } else if (is_of(type, "job.")) {
        words_of_job(data, out);
    } else if (is_of(type, "admin.")) {
        words_of_admin(type, data, out);
    } else {
        words_of_other(data, out);
    }
}

const char *view_person(const json_t *event)
{
    const json_t *data = tree_get(event, "data");
    const char *email = tree_text(data, "email");
    json_t *fact;
    size_t i;
    json_array_foreach(tree_get(data, "facts"), i, fact)
    {
        email = *email ? email : tree_text(fact, "email");
    }
    return email;
}

/* --- ids ------------------------------------------------------------------------------------- */

const char *view_bare_id(const char *id)
{
    const char *colon = strchr(id, ':');
    char prefix[64];
    if (!colon || (size_t)(colon - id) >= sizeof prefix) {
        return id;
    }
    memcpy(prefix, id, (size_t)(colon - id));
    prefix[colon - id] = '\0';
    return rights_of(prefix) ? id : colon + 1;
}

bool view_same_id(const char *id, const char *typed)
{
    return strcmp(id, typed) == 0 || strcmp(view_bare_id(id), typed) == 0;
}
