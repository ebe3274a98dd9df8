#include "support.h"

#include "clock.h"
#include "console_link.h"
#include "money.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_BYTES_MAX = 200 };

/* --- marker ------------------------------------------------------------------------------------ */

/* A desk may show a note as HTML: a key with more than these stands as its hash, which no desk
 * rewrites. */
static bool plain_key(const char *key)
{
    for (const char *at = key; *at; at++) {
        if (!isalnum((unsigned char)*at) && !strchr(":_-.", *at)) {
            return false;
        }
    }
    return true;
}

void support_marker(const char *key, struct buf *out)
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    if (!plain_key(key)) {
        sha256(key, strlen(key), hash);
        hex_encode(hash, sizeof hash, hex);
        key = hex;
    }
    buf_printf(out, "[usher:%s]", key);
}

bool support_marked(const char *body, const char *key)
{
    struct buf marker = {0};
    support_marker(key, &marker);
    bool found = strstr(body, buf_text(&marker)) != NULL;
    buf_fini(&marker);
    return found;
}

/* --- values that strangers typed --------------------------------------------------------------- */

/* The code point at `text`, which is UTF-8, and its bytes. */
static uint32_t code_point(const char *text, size_t *len)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t more = *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : *at >= 0xc0 ? 1 : 0;
    uint32_t code = more == 3 ? *at & 0x07 : more == 2 ? *at & 0x0f : more == 1 ? *at & 0x1f : *at;
    for (*len = 1; *len <= more && (at[*len] & 0xc0) == 0x80; (*len)++) {
        code = code << 6 | (at[*len] & 0x3f);
    }
    return code;
}

static bool in(uint32_t code, uint32_t first, uint32_t last)
{
    return code >= first && code <= last;
}

static bool right_to_left(uint32_t code)
{
    return in(code, 0x590, 0x8ff) || in(code, 0xfb1d, 0xfdff) || in(code, 0xfe70, 0xfefe) ||
           in(code, 0x10800, 0x10fff) || in(code, 0x1e800, 0x1efff);
}

/* Marks that turn the text around them. */
static bool turns(uint32_t code)
{
    return in(code, 0x200e, 0x200f) || in(code, 0x202a, 0x202e) || in(code, 0x2066, 0x2069) ||
           code == 0x61c;
}

static bool breaks(uint32_t code)
{
    return code < 0x20 || in(code, 0x7f, 0x9f) || in(code, 0x2028, 0x2029);
}

/* One line, not long, without a marker of ours and what turns the text. True: it is, or holds, what
 * is written from right to left. */
static bool clean(const char *value, struct buf *out)
{
    bool turned = false;
    size_t len = 0;
    for (const char *at = value; *at && out->len < VALUE_BYTES_MAX; at += len) {
        uint32_t code = code_point(at, &len);
        if (breaks(code)) {
            buf_add_text(out, " ");
        } else if (strncmp(at, "[usher:", 7) == 0) {
            buf_add_text(out, "(");
        } else if (!turns(code)) {
            buf_add(out, at, len);
            turned = turned || right_to_left(code);
        }
    }
    return turned;
}

/* A name or a reason as part of a line, which it cannot turn. */
static void add_value(struct buf *out, const char *value)
{
    struct buf text = {0};
    bool turned = clean(value, &text);
    buf_printf(out, "%s%s%s", turned ? "\u2068" : "", buf_text(&text), turned ? "\u2069" : "");
    buf_fini(&text);
}

static void add_row(struct buf *text, const char *title, const char *value)
{
    if (*value) {
        buf_printf(text, "%s: ", title);
        add_value(text, value);
        buf_add_text(text, "\n");
    }
}

/* --- the text ---------------------------------------------------------------------------------- */

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

static void add_cause(struct buf *text, const char *kind, const json_t *effect)
{
    const json_t *data = tree_get(effect, "data");
    buf_printf(text, "%s%s", tree_flag(effect, "urgent") ? "Urgent! " : "", headline(kind));
    if (tree_int(data, "amount") != 0) {
        buf_add_text(text, ": ");
        money_words(tree_int(data, "amount"), tree_text(data, "currency"), text);
    }
    if (*tree_text(data, "object")) {
        buf_add_text(text, " (");
        add_value(text, tree_text(data, "object"));
        buf_add_text(text, ")");
    }
    buf_add_text(text, ".\n");
    add_row(text, "Reason given", tree_text(data, "why"));
    if (strcmp(kind, "dispute_closed") == 0) {
        add_row(text, "Outcome", tree_text(data, "status"));
    }
    add_row(text, "Subscription", tree_text(data, "subscription"));
}

static void add_day(struct buf *text, int64_t time_ms)
{
    char when[CLOCK_TEXT_BYTES];
    buf_printf(text, "%.10s", clock_rfc3339(time_ms, when));
}

static void add_member(struct buf *text, const json_t *document, const char *link)
{
    const char *name = tree_text(document, "name");
    const json_t *payment = tree_get(document, "last_payment");
    buf_add_text(text, "Member: ");
    add_value(text, name);
    buf_add_text(text, *name ? ", " : "");
    add_value(text, tree_text(document, "email"));
    buf_printf(text, "\nAccess: %s (%s)\n", tree_flag(document, "access") ? "yes" : "no",
               tree_text(document, "state"));
    add_row(text, "Because", tree_text(document, "reason"));
    if (tree_int(document, "last_payment_at") > 0) {
        buf_add_text(text, "Last payment: ");
        money_words(tree_int(payment, "amount"), tree_text(payment, "currency"), text);
        buf_add_text(text, " on ");
        add_day(text, tree_int(document, "last_payment_at"));
        buf_printf(text, " (%s)\n", tree_text(payment, "object"));
    }
    if (tree_int(document, "until") > 0) {
        buf_add_text(text, "Paid until: ");
        add_day(text, tree_int(document, "until"));
        buf_add_text(text, "\n");
    }
    buf_printf(text, "Member's page: %s\n", link);
}

static void add_stranger(struct buf *text, const char *email, const char *link)
{
    buf_add_text(text, "There is no member with this address");
    if (*email) {
        buf_add_text(text, " (");
        add_value(text, email);
        buf_add_text(text, ")");
    }
    buf_printf(text, ": who wrote may use another one than for paying.\nMembers: %s\n", link);
}

/* --- the payload ------------------------------------------------------------------------------- */

/* Of "ticket:5", "ticket:zendesk:5" and what was sent again: "5". */
static void set_ticket(json_t *payload, const char *key, const char *kind, const json_t *data)
{
    bool ticket = strcmp(kind, "ticket") == 0;
    const char *named = tree_text(data, ticket ? "object" : "ticket");
    char id[JOBS_KEY_BYTES_MAX + 1];
    EVENT_SET(id, *named || strncmp(key, "ticket:", 7) != 0 ? named : key + 7);
    char *again = strstr(id, ":again:");
    if (again) {
        *again = '\0';
    }
    const char *colon = strrchr(id, ':');
    tree_set_text(payload, "ticket", colon ? colon + 1 : id);
}

/* One of the two stands for the member's access, the other would belie it. */
static void set_tags(json_t *payload, const json_t *document)
{
    bool access = tree_flag(document, "access");
    json_t *tags = json_pack("[s]", "usher");
    json_t *untags = json_array();
    if (document) {
        json_array_append_new(tags, json_string(access ? "member_active" : "member_inactive"));
        json_array_append_new(untags, json_string(access ? "member_inactive" : "member_active"));
    }
    tree_set(payload, "tags", tags);
    tree_set(payload, "untags", untags);
}

static void add_note(struct buf *text, const char *key, const char *kind, const json_t *effect,
                     const json_t *document, const char *link)
{
    if (document || strcmp(kind, "ticket") != 0) {
        add_cause(text, kind, effect);
        buf_add_text(text, "\n");
    }
    if (document) {
        add_member(text, document, link);
    } else {
        add_stranger(text, tree_text(effect, "email"), link);
    }
    buf_add_text(text, "\n");
    support_marker(key, text);
}

static void set_person(json_t *payload, const json_t *effect, const json_t *document)
{
    struct buf name = {0};
    const char *email = tree_text(effect, "email");
    const char *own = tree_text(effect, "name");
    (void)clean(*own ? own : tree_text(document, "name"), &name);
    tree_set_text(payload, "email", *email ? email : tree_text(document, "email"));
    tree_set_text(payload, "name", buf_text(&name));
    tree_set_text(payload, "user", tree_text(document, "app_user"));
    buf_fini(&name);
}

json_t *support_note(const char *key, const char *kind, const json_t *effect,
                     const json_t *document, const char *console)
{
    struct buf text = {0};
    struct buf link = {0};
    console_link(console, "members", tree_text(document, "id"), &link);
    add_note(&text, key, kind, effect, document, buf_text(&link));
    json_t *payload = json_object();
    tree_set_text(payload, "text", buf_text(&text));
    tree_set_text(payload, "link", buf_text(&link));
    tree_set_text(payload, "subject", headline(kind));
    tree_set_flag(payload, "urgent", tree_flag(effect, "urgent"));
    set_person(payload, effect, document);
    set_ticket(payload, key, kind, tree_get(effect, "data"));
    set_tags(payload, document);
    buf_fini(&text);
    buf_fini(&link);
    return payload;
}

/* --- for desks that take HTML ------------------------------------------------------------------ */

static void add_html(struct buf *out, const char *text, size_t len)
{
    static const char *const entities[] = {['&'] = "&amp;",  ['<'] = "&lt;",   ['>'] = "&gt;",
                                           ['"'] = "&quot;", ['\''] = "&#39;", ['\n'] = "<br>"};
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];
        const char *entity = byte < sizeof entities / sizeof *entities ? entities[byte] : NULL;
        if (entity) {
            buf_add_text(out, entity);
        } else {
            buf_add(out, text + i, 1);
        }
    }
}

void support_html(const json_t *payload, struct buf *out)
{
    const char *text = tree_text(payload, "text");
    const char *link = tree_text(payload, "link");
    const char *at = *link ? strstr(text, link) : NULL;
    if (at) {
        add_html(out, text, (size_t)(at - text));
        buf_add_text(out, "<a href=\"");
        add_html(out, link, strlen(link));
        buf_add_text(out, "\">");
        add_html(out, link, strlen(link));
        buf_add_text(out, "</a>");
        text = at + strlen(link);
    }
    add_html(out, text, strlen(text));
}
