#include "mailer.h"

#include "letter.h"
#include "must.h"
#include "providers.h"
#include "suppressed.h"
#include "templates.h"
#include "unsubscribed.h"

#include <string.h>

enum { MAILER_TOO_OLD_MS = 72 * 3600 * 1000 };

struct mailer {
    struct actor *actor;
    struct jobs *jobs;
    struct templates *templates;
    struct letterhead head;
};

#define DECLARE(name) extern const struct adapter mailer_##name;
#define ADDRESS(name) &mailer_##name,
PROVIDERS(DECLARE)
static const struct adapter *const adapters[] = {PROVIDERS(ADDRESS) NULL};

static const struct setting mailer_settings[] = {
    {"mailer/provider", SETTING_CHOICE, "maildir", 0, 0, PROVIDER_NAMES,
     "How mail leaves: into a folder (maildir), over SMTP, or by a provider's API."},
    JOBS_SETTINGS("mailer"),
    {NULL, SETTING_TEXT, NULL, 0, 0, NULL, NULL},
};

/* --- one mail ----------------------------------------------------------------------------------- */

static const char *address_of(const json_t *effect, const json_t *document)
{
    const char *email = tree_text(effect, "email");
    return *email ? email : tree_text(document, "email");
}

/* DENIED, and why, if no mail may go there. */
static enum fault may_go(const struct mailer *mailer, struct store_txn *txn,
                         const struct template *template, const char *to, struct buf *why)
{
    json_t *row = NULL;
    bool left = false;
    enum fault fault = suppressed_find(txn, to, &row);
    if (row) {
        suppressed_words(row, why);
        fault = FAULT_DENIED;
    } else if (fault == OK && template && !template->transactional && *mailer->head.site) {
        fault = unsubscribed_find(txn, &mailer->head.key, to, &left);
    }
    if (left) {
        buf_add_text(why, "the person unsubscribed from mails that are not transactional");
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
    *fault = may_go(mailer, txn, template, to, why);
    if (*fault != OK) {
        return NULL;
    }
    *fault = FAULT_MALFORMED;
    if (!template) {
        buf_printf(why, "there is no template for \"%.40s\": write templates/%.40s.txt", view->kind,
                   view->kind);
        return NULL;
    }
    if (!template->transactional && !*mailer->head.site) {
        buf_printf(why, "templates/%.40s.txt is not transactional: set mailer/unsubscribe_url",
                   view->kind);
        return NULL;
    }
    if (!mail_address_good(to)) {
        buf_add_text(why, *to ? "the e-mail address is not one that mail can be sent to"
                              : "the member has no e-mail address");
        return NULL;
    }
    json_t *payload = letter_write(&mailer->head, template, view, to, fault);
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

/* Who has a mail sent once more, or tried again, knows better than the bounce that closed the address. */
static enum fault person_sends(struct mailer *mailer, struct store_txn *txn,
                               const struct event *event)
{
    json_t *data = event_data(event);
    bool ours = strcmp(tree_text(data, "actor"), actor_name(mailer->actor)) == 0;
    enum fault fault = ours ? lift(mailer, txn, data) : OK;
    json_decref(data);
    bool again = strcmp(event->type, "admin.resent") == 0;
    return fault == OK && again ? jobs_resend(mailer->jobs, txn, event) : fault;
}

/* --- the actor ---------------------------------------------------------------------------------- */

static enum fault mailer_apply(void *self, struct store_txn *txn, const struct event *event)
{
    struct mailer *mailer = self;
    enum fault fault = jobs_apply(mailer->jobs, txn, event);
    if (fault == OK &&
        (strcmp(event->type, "admin.resent") == 0 || strcmp(event->type, "admin.retried") == 0)) {
        return person_sends(mailer, txn, event);
    }
    if (fault == OK && strcmp(event->type, UNSUBSCRIBE_EVENT) == 0) {
        return unsubscribed_apply(txn, event);
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
        letterhead_close(&mailer->head);
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
    enum fault fault = letterhead_open(settings, check_only, &mailer->head, why);
    enum fault words = templates_open(actor_home(actor), &mailer->templates, why);
    const char *other = words == OK ? templates_optional(mailer->templates) : NULL;
    if (other && fault == OK && !*mailer->head.site) {
        buf_printf(why, "templates/%s.txt:2: not transactional: set mailer/unsubscribe_url\n",
                   other);
        words = FAULT_CONFIG;
    }
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

static const struct setting *const mailer_tables_of_settings[] = {mailer_settings, letter_settings,
                                                                  signing_settings, NULL};
static const char *const mailer_topics[] = {"member.*", "job.*",  "admin.*",
                                            "target.*", "mail.*", NULL};
static const char *const mailer_tables[] = {JOBS_TABLE_NAMES, "suppressed", "unsubscribed", NULL};

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
