#include "support.h"

#include "clock.h"
#include "money.h"

#include <stdio.h>
#include <string.h>

void support_marker(const char *key, struct buf *out)
{
    buf_printf(out, "[usher:%s]", key);
}

static const char *headline(const char *kind)
{
    static const struct {
        const char *kind;
        const char *words;
    } rows[] = {{"refund", "A payment was refunded"},
                {"partial_refund", "Part of a payment was refunded"},
                {"dispute", "A payment is disputed"},
                {"dispute_closed", "A dispute is closed"},
                {"ticket", "About this member"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].kind, kind) == 0) {
            return rows[i].words;
        }
    }
    return "A note on this member";
}

static void add_member(struct buf *text, const json_t *document)
{
    char when[CLOCK_TEXT_BYTES];
    const char *name = tree_text(document, "name");
    const json_t *payment = tree_get(document, "last_payment");
    buf_printf(text, "Member: %s%s%s\n", name, *name ? ", " : "", tree_text(document, "email"));
    buf_printf(text, "Access: %s (%s)\n", tree_flag(document, "access") ? "yes" : "no",
               tree_text(document, "state"));
    if (*tree_text(document, "reason")) {
        buf_printf(text, "Because: %s\n", tree_text(document, "reason"));
    }
    if (tree_int(document, "last_payment_at") > 0) {
        buf_add_text(text, "Last payment: ");
        money_words(tree_int(payment, "amount"), tree_text(payment, "currency"), text);
        buf_printf(text, " on %.10s (%s)\n",
                   clock_rfc3339(tree_int(document, "last_payment_at"), when),
                   tree_text(payment, "object"));
    }
}

json_t *support_note(const char *key, const char *kind, const json_t *effect,
                     const json_t *document)
{
    struct buf text = {0};
    const json_t *data = tree_get(effect, "data");
    const char *email = tree_text(effect, "email");
    const char *name = tree_text(effect, "name");
    buf_add_text(&text, headline(kind));
    if (tree_int(data, "amount") != 0) {
        buf_add_text(&text, ": ");
        money_words(tree_int(data, "amount"), tree_text(data, "currency"), &text);
    }
    if (*tree_text(data, "object")) {
        buf_printf(&text, " (%s)", tree_text(data, "object"));
    }
    buf_add_text(&text, ".\n\n");
    if (document) {
        add_member(&text, document);
    }
    buf_add_text(&text, "\n");
    support_marker(key, &text);

    json_t *payload = json_object();
    tree_set_text(payload, "text", buf_text(&text));
    tree_set_text(payload, "subject", headline(kind));
    tree_set_text(payload, "email", *email ? email : tree_text(document, "email"));
    tree_set_text(payload, "name", *name ? name : tree_text(document, "name"));
    tree_set_flag(payload, "urgent", tree_flag(effect, "urgent"));
    const char *ticket = tree_text(data, "ticket");
    if (!*ticket && strncmp(key, "ticket:", 7) == 0) {
        ticket = strrchr(key, ':') + 1;
    }
    tree_set_text(payload, "ticket", ticket);
    json_t *tags = json_array();
    json_array_append_new(tags, json_string("usher"));
    if (document) {
        json_array_append_new(
            tags, json_string(tree_flag(document, "access") ? "member_active" : "member_inactive"));
    }
    tree_set(payload, "tags", tags);
    buf_fini(&text);
    return payload;
}
