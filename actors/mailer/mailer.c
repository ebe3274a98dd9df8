#include "mailer.h"

#include "clock.h"
#include "mail.h"
#include "money.h"
#include "must.h"
#include "providers.h"
#include "signing.h"
#include "suppressed.h"
#include "templates.h"

#include <string.h>

enum { MAILER_TOO_OLD_MS = 72 * 3600 * 1000, MARK_CHARS = 32 };

struct mailer {
    struct actor *actor;
    struct jobs *jobs;
    struct templates *templates;
    struct signing *signing;
    char from_name[200];
    char from[MAIL_ADDRESS_BYTES_MAX + 1];
};

#define DECLARE(name) extern const struct adapter mailer_##name;
#define ADDRESS(name) &mailer_##name,
PROVIDERS(DECLARE)
static const struct adapter *const adapters[] = {PROVIDERS(ADDRESS) NULL};

static const struct setting mailer_settings[] = {
    {"mailer/provider", SETTING_CHOICE, "maildir", 0, 0, PROVIDER_NAMES,
     "How mail leaves: into a folder (maildir), over SMTP, or by a provider's API."},
    {"mailer/from", SETTING_TEXT, "Community <hello@localhost>", 3, 400, NULL,
     "The sender: Community <hello@example.com>."},
    {"mailer/link", SETTING_TEXT, "", 0, 500, NULL,
     "Your site, where members look after their membership; {{link}} in templates."},
    JOBS_SETTINGS("mailer"),
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

/* --- one mail ----------------------------------------------------------------------------------- */

static json_t *values_of(const struct mailer *mailer, const struct jobs_view *view)
{
    char when[CLOCK_TEXT_BYTES];
    const json_t *data = tree_get(view->payload, "data");
    const char *name = tree_text(view->payload, "name");
    int64_t until_ms = tree_int(view->document, "until");
    json_t *values = json_object();
    tree_set_text(values, "name", *name ? name : tree_text(view->document, "name"));
    tree_set_text(values, "email", tree_text(view->payload, "email"));
    tree_set_text(values, "object", tree_text(data, "object"));
    tree_set_text(values, "reason", tree_text(data, "reason"));
    tree_set_text(values, "community", mailer->from_name);
    tree_set_text(values, "link", settings_text(actor_settings(mailer->actor), "mailer/link"));
    if (*tree_text(data, "currency")) {
        struct buf amount = {0};
        money_words(tree_int(data, "amount"), tree_text(data, "currency"), &amount);
        tree_set_text(values, "amount", buf_text(&amount));
        buf_fini(&amount);
    }
    if (until_ms > 0) {
        clock_rfc3339(until_ms, when);
        when[10] = '\0';
        tree_set_text(values, "until", when);
    }
    return values;
}

/* The same for all attempts of a job, and for nothing else. */
static void mark_of(const char *key, char mark[MARK_CHARS + 1])
{
    uint8_t hash[SHA256_BYTES];
    char hex[SHA256_HEX_CHARS + 1];
    sha256(key, strlen(key), hash);
    hex_encode(hash, sizeof hash, hex);
    snprintf(mark, MARK_CHARS + 1, "%.*s", MARK_CHARS, hex);
}

/* A name is decoration: one that could not stand in a header is left out, the mail goes. */
static const char *name_for_header(const char *name)
{
    for (const char *at = name; *at; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f) {
            return "";
        }
    }
    return strlen(name) <= 200 ? name : "";
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

/* What an adapter sees: mailer.h. */
static json_t *payload_of(const struct mail *mail, const char *mark, const char *message)
{
    json_t *payload = json_object();
    json_t *headers = json_object();
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
    tree_set_text(headers, "Auto-Submitted", MAIL_AUTO_SUBMITTED);
    tree_set(payload, "headers", headers);
    return payload;
}

static json_t *write_mail(const struct mailer *mailer, const struct template *template,
                          const struct jobs_view *view, const char *to, enum fault *fault)
{
    char mark[MARK_CHARS + 1];
    char id[sizeof mark + sizeof mailer->from];
    struct buf parts[3] = {{0}};
    struct buf message = {0};
    struct buf signed_message = {0};
    json_t *payload = NULL;
    json_t *values = values_of(mailer, view);
    mark_of(view->key, mark);
    snprintf(id, sizeof id, "%s%s", mark, strchr(mailer->from, '@'));
    *fault = render(template, values, parts);
    struct mail mail = {.from_name = mailer->from_name,
                        .from = mailer->from,
                        .to_name = name_for_header(tree_text(values, "name")),
                        .to = to,
                        .subject = buf_text(&parts[0]),
                        .message_id = id,
                        .date_ms = view->job.created_ms,
                        .text = buf_text(&parts[1]),
                        .html = template->html ? buf_text(&parts[2]) : NULL};
    if (*fault == OK) {
        *fault = mail_build(&mail, &message);
    }
    if (*fault == OK) {
        *fault = signing_add(mailer->signing, buf_text(&message), mail.date_ms, &signed_message);
    }
    if (*fault == OK) {
        payload = payload_of(&mail, mark, buf_text(&signed_message));
    }
    json_decref(values);
    buf_fini(&message);
    buf_fini(&signed_message);
    for (int i = 0; i < 3; i++) {
        buf_fini(&parts[i]);
    }
    return payload;
}

static const char *address_of(const json_t *effect, const json_t *document)
{
    const char *email = tree_text(effect, "email");
    return *email ? email : tree_text(document, "email");
}

/* DENIED, and why, if no mail may go there. */
static enum fault may_go(struct store_txn *txn, const char *to, struct buf *why)
{
    json_t *row = NULL;
    enum fault fault = suppressed_find(txn, to, &row);
    if (row) {
        suppressed_words(row, why);
        fault = FAULT_DENIED;
    }
    json_decref(row);
    return fault;
}

static json_t *mailer_prepare(void *self, struct store_txn *txn, const struct jobs_view *view,
                              enum fault *fault, struct buf *why)
{
    struct mailer *mailer = self;
    const char *to = address_of(view->payload, view->document);
    const struct template *template = templates_find(mailer->templates, view->kind);
    *fault = may_go(txn, to, why);
    if (*fault != OK) {
        return NULL;
    }
    *fault = FAULT_MALFORMED;
    if (!template) {
        buf_printf(why, "there is no template for \"%.40s\": write templates/%.40s.txt", view->kind,
                   view->kind);
        return NULL;
    }
    if (!mail_address_good(to)) {
        buf_add_text(why, *to ? "the e-mail address is not one that mail can be sent to"
                              : "the member has no e-mail address");
        return NULL;
    }
    json_t *payload = write_mail(mailer, template, view, to, fault);
    if (!payload) {
        buf_printf(why, "the mail cannot be written: %s", fault_words(*fault));
    }
    return payload;
}

/* --- once more ---------------------------------------------------------------------------------- */

/* Every address that the mail may go to: its job's, its effect's as the member's newest document has
 * it, and the member's own. */
static enum fault lift(struct mailer *mailer, struct store_txn *txn, const json_t *data)
{
    const char *key = tree_text(data, "key");
    json_t *payload = NULL, *document = NULL;
    enum fault fault = jobs_find(mailer->jobs, txn, key, NULL, &payload, NULL);
    if (fault == OK) {
        fault = jobs_member(mailer->jobs, txn, tree_text(data, "member"), &document);
    }
    if (fault == OK) {
        fault = suppressed_lift(txn, address_of(payload, document));
    }
    const json_t *effects = tree_get(document, "effects");
    for (size_t i = 0; fault == OK && i < json_array_size(effects); i++) {
        const json_t *effect = json_array_get(effects, i);
        if (strcmp(tree_text(effect, "key"), key) == 0) {
            fault = suppressed_lift(txn, address_of(effect, document));
        }
    }
    json_decref(payload);
    json_decref(document);
    return fault == FAULT_NOT_FOUND ? OK : fault;
}

/* Who has a mail sent once more knows better than the bounce that closed the address. */
static enum fault resend(struct mailer *mailer, struct store_txn *txn, const struct event *event)
{
    json_t *data = event_data(event);
    bool ours = strcmp(tree_text(data, "actor"), actor_name(mailer->actor)) == 0;
    enum fault fault = ours ? lift(mailer, txn, data) : OK;
    json_decref(data);
    return fault == OK ? jobs_resend(mailer->jobs, txn, event) : fault;
}

/* --- the actor ---------------------------------------------------------------------------------- */

static enum fault mailer_apply(void *self, struct store_txn *txn, const struct event *event)
{
    struct mailer *mailer = self;
    enum fault fault = jobs_apply(mailer->jobs, txn, event);
    if (fault == OK && strcmp(event->type, "admin.resent") == 0) {
        return resend(mailer, txn, event);
    }
    if (fault == OK && strncmp(event->type, "mail.", 5) == 0) {
        return suppressed_apply(txn, event);
    }
    return fault == OK ? jobs_member_effects(mailer->jobs, txn, event, "mailer", MAILER_TOO_OLD_MS)
                       : fault;
}

static void mailer_close(void **state)
{
    struct mailer *mailer = *state;
    if (mailer) {
        jobs_destroy(&mailer->jobs);
        templates_close(&mailer->templates);
        signing_close(&mailer->signing);
        free(mailer);
        *state = NULL;
    }
}

static enum fault mailer_open(struct actor *actor, bool check_only, void **state, struct buf *why)
{
    const struct settings *settings = actor_settings(actor);
    struct mailer *mailer = must_calloc(1, sizeof *mailer);
    mailer->actor = actor;
    *state = mailer;
    struct jobs_slot slot = {.name = "mailer",
                             .adapter =
                                 adapter_find(adapters, settings_text(settings, "mailer/provider")),
                             .settings = settings};
    struct jobs_options options = {.actor = actor,
                                   .section = "mailer",
                                   .slots = &slot,
                                   .slot_count = 1,
                                   .prepare = mailer_prepare,
                                   .self = mailer};
    enum fault fault = OK;
    if (!mail_split(settings_text(settings, "mailer/from"), mailer->from_name,
                    sizeof mailer->from_name, mailer->from, sizeof mailer->from)) {
        buf_add_text(why, "usher.cfg: mailer/from: expected Community <hello@example.com>\n");
        fault = FAULT_CONFIG;
    } else {
        fault = signing_open(settings, mailer->from, &mailer->signing, why);
    }
    enum fault words = templates_open(actor_home(actor), &mailer->templates, why);
    fault = fault == OK ? words : fault;
    if (fault == OK) {
        fault = jobs_new(&options, check_only, &mailer->jobs, why);
    }
    if (fault != OK) {
        mailer_close(state);
    }
    return fault;
}

static void mailer_committed(void *self)
{
    struct mailer *mailer = self;
    jobs_committed(mailer->jobs);
}

/* That no mail goes to a member is what matters first, whatever became of the last one. */
static enum fault say_suppressed(struct mailer *mailer, const json_t *question, json_t *answer)
{
    struct store_txn *txn = NULL;
    json_t *document = NULL, *row = NULL;
    enum fault fault = store_begin(actor_store(mailer->actor), false, &txn);
    if (fault == OK) {
        fault = jobs_member(mailer->jobs, txn, tree_text(question, "member"), &document);
    }
    if (fault == OK) {
        fault = suppressed_find(txn, tree_text(document, "email"), &row);
    }
    store_abort(&txn);
    if (row) {
        struct buf why = {0};
        suppressed_words(row, &why);
        tree_set_text(answer, "state", "suppressed");
        tree_set_text(answer, "error", buf_text(&why));
        tree_set_int(answer, "at", tree_int(row, "at"));
        buf_fini(&why);
    }
    json_decref(document);
    json_decref(row);
    return fault;
}

static json_t *mailer_answer(void *self, const char *who, const json_t *question, enum fault *fault)
{
    struct mailer *mailer = self;
    (void)who;
    json_t *answer = jobs_answer(mailer->jobs, question, fault);
    if (answer && strcmp(tree_text(question, "ask"), "member") == 0) {
        *fault = say_suppressed(mailer, question, answer);
    }
    if (*fault != OK) {
        json_decref(answer);
        answer = NULL;
    }
    return answer;
}

static void mailer_report(void *self, json_t *into)
{
    struct mailer *mailer = self;
    jobs_report(mailer->jobs, into);
}

static const struct setting *const mailer_tables_of_settings[] = {mailer_settings, signing_settings,
                                                                  NULL};
static const char *const mailer_topics[] = {"member.*", "job.*",  "admin.*",
                                            "target.*", "mail.*", NULL};
static const char *const mailer_tables[] = {JOBS_TABLE_NAMES, "suppressed", NULL};

const struct actor_class mailer_actor = {.name = "mailer",
                                         .settings = mailer_tables_of_settings,
                                         .adapters = adapters,
                                         .provider = "mailer/provider",
                                         .topics = mailer_topics,
                                         .tables = mailer_tables,
                                         .format = JOBS_FORMAT,
                                         .open = mailer_open,
                                         .close = mailer_close,
                                         .apply = mailer_apply,
                                         .committed = mailer_committed,
                                         .answer = mailer_answer,
                                         .report = mailer_report};
