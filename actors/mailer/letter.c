#include "letter.h"

#include "clock.h"
#include "digest.h"
#include "money.h"
#include "must.h"

#include <stdlib.h>
#include <string.h>

enum { MARK_CHARS = 32, URL_CHARS = 500, SITE_BYTES_MAX = 300, NAME_BYTES_MAX = 200 };

const struct setting letter_settings[] = {
    {"mailer/from", SETTING_TEXT, "Community <hello@localhost>", 3, 400, NULL,
     "The sender: Community <hello@example.com>."},
    {"mailer/link", SETTING_TEXT, "", 0, 500, NULL,
     "Your site, where members look after their membership; {{link}} in templates."},
    {"mailer/unsubscribe_url", SETTING_TEXT, "", 0, 200, NULL,
     "Where usher-webhook is reached, such as https://hooks.example.com: the links with which "
     "people "
     "leave mails that are not transactional. Needed for such templates only."},
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

/* --- what all of a home's mails share ----------------------------------------------------------- */

/* Their own setting, or where the door says that it is reached; "" without both. *path is which. */
static char *site_of(const struct settings *settings, const char **path)
{
    char *peeked = NULL;
    const char *own = settings_text(settings, "mailer/unsubscribe_url");
    *path = *own ? "mailer/unsubscribe_url" : "webhook/url";
    if (*own || settings_peek(settings_home(settings), "usher.cfg", *path, "", &peeked) != OK) {
        return must_strdup(own);
    }
    return peeked;
}

static bool check_site(const char *site, const char *path, struct buf *why)
{
    struct buf words = {0};
    bool plain = strcspn(site, " <>\"\\?#") == strlen(site) && strlen(site) <= SITE_BYTES_MAX;
    bool good = http_out_url_allowed(site, false, &words) && strncmp(site, "http", 4) == 0 && plain;
    if (!good) {
        buf_printf(why, "usher.cfg: %s: %s\n", path,
                   words.len > 0 ? buf_text(&words) : "expected https://host, without a query");
    }
    buf_fini(&words);
    return good;
}

static bool open_site(const struct settings *settings, bool check_only, struct letterhead *head,
                      struct buf *why)
{
    const char *path = NULL;
    head->site = site_of(settings, &path);
    if (!*head->site) {
        return true;
    }
    bool good = check_site(head->site, path, why);
    enum fault fault = unsubscribe_key_open(settings_home(settings), !check_only, &head->key);
    if (fault != OK && !(check_only && fault == FAULT_NOT_FOUND)) {
        buf_printf(why, "secrets/unsubscribe: %s\n",
                   fault == FAULT_CONFIG ? "expected 64 hex digits, as they were made"
                                         : fault_words(fault));
        good = false;
    }
    return good;
}

enum fault letterhead_open(const struct settings *settings, bool check_only,
                           struct letterhead *head, struct buf *why)
{
    bool good = open_site(settings, check_only, head, why);
    head->link = settings_text(settings, "mailer/link");
    if (!mail_split(settings_text(settings, "mailer/from"), head->from_name, sizeof head->from_name,
                    head->from, sizeof head->from)) {
        buf_add_text(why, "usher.cfg: mailer/from: expected Community <hello@example.com>\n");
        return FAULT_CONFIG;
    }
    enum fault fault = signing_open(settings, head->from, &head->signing, why);
    return good ? fault : FAULT_CONFIG;
}

void letterhead_close(struct letterhead *head)
{
    signing_close(&head->signing);
    free(head->site);
    head->site = NULL;
}

/* --- one mail ----------------------------------------------------------------------------------- */

/* What marks a job's mail everywhere; the same for all attempts, and for nothing else. */
static void mark_of(const char *key, char mark[MARK_CHARS + 1])
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    sha256(key, strlen(key), hash);
    hex_encode(hash, sizeof hash, hex);
    snprintf(mark, MARK_CHARS + 1, "%.*s", MARK_CHARS, hex);
}

static void link_of(const struct letterhead *head, const char *to, char link[URL_CHARS])
{
    char token[UNSUBSCRIBE_TOKEN_CHARS + 1];
    size_t len = strlen(head->site);
    while (len > 0 && head->site[len - 1] == '/') {
        len--;
    }
    unsubscribe_token(&head->key, to, token);
    snprintf(link, URL_CHARS, "%.*s%s%s", (int)len, head->site, UNSUBSCRIBE_PATH, token);
}

/* A name is decoration: one that could not stand in a header, is endless or turns the writing around
 * is left out, the mail goes. */
static bool name_good(const char *name)
{
    for (const unsigned char *at = (const unsigned char *)name; *at; at++) {
        bool control = *at < ' ' || *at == 0x7f || (*at == 0xc2 && at[1] < 0xa0);
        bool bidi = *at == 0xe2 && ((at[1] == 0x80 && at[2] >= 0xaa && at[2] <= 0xae) ||
                                    (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9));
        if (control || bidi) {
            return false;
        }
    }
    return strlen(name) <= NAME_BYTES_MAX;
}

static void add_amount(const json_t *data, json_t *values)
{
    if (*tree_text(data, "currency")) {
        struct buf amount = {0};
        money_words(tree_int(data, "amount"), tree_text(data, "currency"), &amount);
        tree_set_text(values, "amount", buf_text(&amount));
        buf_fini(&amount);
    }
}

static json_t *values_of(const struct letterhead *head, const struct jobs_view *view)
{
    char when[CLOCK_TEXT_BYTES];
    const json_t *data = tree_get(view->payload, "data");
    const char *name = tree_text(view->payload, "name");
    int64_t until_ms = tree_int(view->document, "until");
    json_t *values = json_object();
    name = *name ? name : tree_text(view->document, "name");
    tree_set_text(values, "name", name_good(name) ? name : "");
    tree_set_text(values, "email", tree_text(view->payload, "email"));
    tree_set_text(values, "object", tree_text(data, "object"));
    tree_set_text(values, "reason", tree_text(data, "reason"));
    tree_set_text(values, "community", head->from_name);
    tree_set_text(values, "link", head->link);
    add_amount(data, values);
    if (until_ms > 0) {
        clock_rfc3339(until_ms, when);
        when[10] = '\0';
        tree_set_text(values, "until", when);
    }
    return values;
}

static enum fault render(const struct template *template, const json_t *values, struct buf parts[3])
{
    enum fault fault = template_render(template, TEMPLATE_SUBJECT, values, &parts[0]);
    if (fault == OK) {
        fault = template_render(template, TEMPLATE_TEXT, values, &parts[1]);
    }
    if (fault == OK && template->html) {
        fault = template_render(template, TEMPLATE_HTML, values, &parts[2]);
    }
    return fault;
}

static void set_mailbox(json_t *payload, const char *key, const char *name, const char *address)
{
    struct buf text = {0};
    mail_mailbox(name, address, &text);
    tree_set_text(payload, key, buf_text(&text));
    buf_fini(&text);
}

static json_t *headers_of(const struct mail *mail)
{
    json_t *headers = json_object();
    tree_set_text(headers, "Auto-Submitted", MAIL_AUTO_SUBMITTED);
    if (mail->unsubscribe) {
        tree_set(headers, "List-Unsubscribe", json_sprintf("<%s>", mail->unsubscribe));
        tree_set_text(headers, "List-Unsubscribe-Post", MAIL_ONE_CLICK);
    }
    return headers;
}

/* What an adapter sees: mailer.h. */
static json_t *payload_of(const struct mail *mail, const char *mark, const char *message)
{
    json_t *payload = json_object();
    tree_set_text(payload, "from", mail->from);
    tree_set_text(payload, "to", mail->to);
    tree_set_text(payload, "id", mail->message_id);
    tree_set_text(payload, "mark", mark);
    tree_set_text(payload, "message", message);
    set_mailbox(payload, "sender", mail->from_name, mail->from);
    set_mailbox(payload, "receiver", mail->to_name, mail->to);
    tree_set_text(payload, "subject", mail->subject);
    tree_set_text(payload, "text", mail->text);
    tree_set_text(payload, "html", mail->html);
    tree_set(payload, "headers", headers_of(mail));
    return payload;
}

static json_t *finish(const struct letterhead *head, const struct mail *mail, const char *mark,
                      enum fault *fault)
{
    struct buf message = {0};
    struct buf signed_message = {0};
    json_t *payload = NULL;
    *fault = mail_build(mail, &message);
    if (*fault == OK) {
        *fault = signing_add(head->signing, buf_text(&message), mail->date_ms, &signed_message);
    }
    if (*fault == OK) {
        payload = payload_of(mail, mark, buf_text(&signed_message));
    }
    buf_fini(&message);
    buf_fini(&signed_message);
    return payload;
}

json_t *letter_write(const struct letterhead *head, const struct template *template,
                     const struct jobs_view *view, const char *to, enum fault *fault)
{
    char mark[MARK_CHARS + 1], link[URL_CHARS] = "";
    char id[sizeof mark + sizeof head->from];
    struct buf parts[3] = {{0}};
    json_t *payload = NULL;
    json_t *values = values_of(head, view);
    MUST(template->transactional || *head->site);
    mark_of(view->key, mark);
    snprintf(id, sizeof id, "%s%s", mark, strchr(head->from, '@'));
    if (!template->transactional) {
        link_of(head, to, link);
        tree_set_text(values, "unsubscribe", link);
    }
    *fault = render(template, values, parts);
    if (*fault == OK) {
        struct mail mail = {.from_name = head->from_name,
                            .from = head->from,
                            .to_name = tree_text(values, "name"),
                            .to = to,
                            .subject = buf_text(&parts[0]),
                            .message_id = id,
                            .date_ms = view->job.created_ms,
                            .text = buf_text(&parts[1]),
                            .html = template->html ? buf_text(&parts[2]) : NULL,
                            .unsubscribe = *link ? link : NULL};
        payload = finish(head, &mail, mark, fault);
    }
    json_decref(values);
    for (int i = 0; i < 3; i++) {
        buf_fini(&parts[i]);
    }
    return payload;
}
