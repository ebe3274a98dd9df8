#include "facts.h"

#include "must.h"
#include "values.h"

#include <string.h>

static const char *const kind_names[FACT_KIND_COUNT] = {
    [FACT_PAYMENT] = "payment",
    [FACT_REFUND] = "refund",
    [FACT_REFUND_STATE] = "refund_state",
    [FACT_DISPUTE] = "dispute",
    [FACT_SUBSCRIPTION] = "subscription",
    [FACT_CUSTOMER] = "customer",
    [FACT_LINK] = "link",
    [FACT_TICKET] = "ticket",
    [FACT_BOUNCE] = "bounce",
};

/* One row per field: the codec both ways follows from it. */
enum field_kind { FIELD_TEXT, FIELD_NUMBER, FIELD_FLAG };

static const struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
} fields[] = {
/* clang-format off */
#define TEXT(name) {#name, FIELD_TEXT, offsetof(struct fact, name)}
#define NUMBER(name) {#name, FIELD_NUMBER, offsetof(struct fact, name)}
#define FLAG(name) {#name, FIELD_FLAG, offsetof(struct fact, name)}
    TEXT(key), NUMBER(at_ms), TEXT(status), TEXT(customer), TEXT(email), TEXT(name),
    TEXT(app_user), TEXT(subscription), TEXT(payment_intent), TEXT(object), TEXT(reason),
    TEXT(currency), NUMBER(amount), NUMBER(of), NUMBER(attempt), NUMBER(until_ms), NUMBER(ends_ms),
    NUMBER(ended_ms), NUMBER(trial_until_ms), FLAG(final), FLAG(deleted), FLAG(foreign),
/* clang-format on */
#undef TEXT
#undef NUMBER
#undef FLAG
};

enum { FIELD_COUNT = sizeof fields / sizeof *fields };

static void *at(const struct fact *fact, const struct field *field)
{
    return (char *)fact + field->offset;
}

static bool is_set(const struct fact *fact, const struct field *field)
{
    switch (field->kind) {
    case FIELD_TEXT: {
        const char *text = *(const char **)at(fact, field);
        return text && *text;
    }
    case FIELD_NUMBER:
        return *(int64_t *)at(fact, field) != 0;
    case FIELD_FLAG:
        return *(bool *)at(fact, field);
    }
    return false;
}

const char *fact_kind_name(enum fact_kind kind)
{
    return kind < FACT_KIND_COUNT ? kind_names[kind] : "unknown";
}

void fact_pack(const struct fact *fact, struct buf *out)
{
    size_t pairs = 1;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        pairs += is_set(fact, &fields[i]);
    }
    value_put_map(out, pairs);
    value_put_text(out, "kind");
    value_put_text(out, fact_kind_name(fact->kind));
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];
        if (!is_set(fact, field)) {
            continue;
        }
        value_put_text(out, field->name);
        if (field->kind == FIELD_TEXT) {
            value_put_text(out, *(const char **)at(fact, field));
        } else if (field->kind == FIELD_NUMBER) {
            value_put_int(out, *(int64_t *)at(fact, field));
        } else {
            value_put_flag(out, true);
        }
    }
}

static bool read_kind(const json_t *tree, enum fact_kind *kind)
{
    const char *name = tree_text(tree, "kind");
    for (int i = 0; i < FACT_KIND_COUNT; i++) {
        if (strcmp(kind_names[i], name) == 0) {
            *kind = (enum fact_kind)i;
            return true;
        }
    }
    return false;
}

enum fault fact_read(const json_t *tree, struct fact *fact)
{
    *fact = (struct fact){0};
    if (!read_kind(tree, &fact->kind)) {
        return FAULT_MALFORMED;
    }
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];
        const json_t *value = json_object_get(tree, field->name);
        if (field->kind == FIELD_TEXT) {
            if (value && (!json_is_string(value) ||
                          strlen(json_string_value(value)) != json_string_length(value))) {
                return FAULT_MALFORMED;
            }
            *(const char **)at(fact, field) = value ? json_string_value(value) : "";
        } else if (field->kind == FIELD_NUMBER) {
            if (value && !json_is_integer(value)) {
                return FAULT_MALFORMED;
            }
            *(int64_t *)at(fact, field) = json_integer_value(value);
        } else {
            *(bool *)at(fact, field) = json_is_true(value);
        }
    }
    return *fact->key ? OK : FAULT_MALFORMED;
}

json_t *fact_tree(const struct fact *fact)
{
    json_t *tree = json_object();
    MUST(tree);
    tree_set_text(tree, "kind", fact_kind_name(fact->kind));
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];
        if (!is_set(fact, field)) {
            continue;
        }
        if (field->kind == FIELD_TEXT) {
            tree_set_text(tree, field->name, *(const char **)at(fact, field));
        } else if (field->kind == FIELD_NUMBER) {
            tree_set_int(tree, field->name, *(int64_t *)at(fact, field));
        } else {
            tree_set_flag(tree, field->name, true);
        }
    }
    return tree;
}
