#include "line.h"

#include "clock.h"
#include "event_view.h"
#include "money.h"
#include "must.h"
#include "values.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *adapter;
    const char *name;
} targets[] = {
#define X(adapter, name) {adapter, name},
#include "target_table.h"
#undef X
};

const char *line_target_name(const char *target)
{
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        if (strcmp(targets[i].adapter, target) == 0) {
            return targets[i].name;
        }
    }
    return target;
}

static bool is_of(const char *type, const char *family)
{
    return strncmp(type, family, strlen(family)) == 0;
}

/* --- money ------------------------------------------------------------------------------------- */

static void add_amount(const char *before, const json_t *fact, struct buf *out)
{
    buf_add_text(out, before);
    if (tree_int(fact, "amount")) {
        buf_add_text(out, " ");
        money_words(tree_int(fact, "amount"), tree_text(fact, "currency"), out);
    }
}

static void words_of_payment(const json_t *fact, struct buf *out)
{
    if (strcmp(tree_text(fact, "status"), "paid") != 0) {
        add_amount("Payment failed:", fact, out);
    } else { /* a trial, or a discount of everything */
        add_amount(tree_int(fact, "amount") ? "Paid" : "Nothing to pay", fact, out);
    }
}

static void words_of_dispute(const json_t *fact, struct buf *out)
{
    const char *status = tree_text(fact, "status");
    add_amount(strcmp(status, "open") == 0   ? "Disputed:"
               : strcmp(status, "won") == 0  ? "Dispute won:"
               : strcmp(status, "lost") == 0 ? "Dispute lost:"
                                             : "Inquiry:",
               fact, out);
}

static void words_of_bounce(const json_t *fact, struct buf *out)
{
    const char *status = tree_text(fact, "status"), *reason = tree_text(fact, "reason");
    buf_add_text(out, strcmp(status, "complaint") == 0 ? "Marked a mail as spam"
                      : strcmp(status, "hard") == 0    ? "A mail bounced"
                                                       : "A mail could not be delivered for now");
    buf_printf(out, "%s%s", *reason ? ": " : "", reason);
}

/* False: nothing to see. */
static bool words_of_fact(const json_t *fact, struct buf *out)
{
    const char *kind = tree_text(fact, "kind"), *status = tree_text(fact, "status");
    if (strcmp(kind, "payment") == 0) {
        words_of_payment(fact, out);
    } else if (strcmp(kind, "refund") == 0) {
        bool whole = tree_int(fact, "amount") >= tree_int(fact, "of");
        add_amount(whole ? "Refunded in full:" : "Partly refunded:", fact, out);
    } else if (strcmp(kind, "refund_state") == 0 && strcmp(status, "failed") == 0) {
        add_amount("A refund failed:", fact, out);
    } else if (strcmp(kind, "dispute") == 0) {
        words_of_dispute(fact, out);
    } else if (strcmp(kind, "subscription") == 0) {
        buf_printf(out, "Subscription %s%s", status,
                   tree_int(fact, "ends_ms") ? ", will end at period end" : "");
    } else if (strcmp(kind, "customer") == 0) {
        buf_add_text(out, tree_flag(fact, "deleted") ? "Customer deleted" : "Customer details");
    } else if (strcmp(kind, "bounce") == 0) {
        words_of_bounce(fact, out);
    } else if (strcmp(kind, "ticket") == 0) {
        buf_printf(out, "Ticket %s", strcmp(status, "closed") == 0 ? "closed" : "opened");
    }
    return out->len > 0;
}

static bool words_of_provider(const char *type, const json_t *data, struct buf *out)
{
    const json_t *first = json_array_get(tree_get(data, "facts"), 0);
    if (strcmp(type, "provider.ignored") == 0) {
        buf_printf(out, "Not for us: %s", tree_text(data, "provider_type"));
        return true;
    }
    return first && words_of_fact(first, out);
}

/* --- access ------------------------------------------------------------------------------------ */

static void words_of_member(const json_t *data, struct buf *out)
{
    const char *rule = tree_text(data, "rule"), *state = tree_text(data, "state");
    bool access = tree_flag(data, "access");
    if (strcmp(rule, "details changed") == 0) {
        buf_printf(out, "Details changed, access %s", access ? "on" : "off");
    } else {
        buf_printf(out, "Access %s, %s: %s", access ? "on" : "off", state, rule);
    }
}

/* --- jobs -------------------------------------------------------------------------------------- */

/* What it is, and what is said when it is done; %s is the target. */
static const struct {
    const char *kind;
    const char *words;
    const char *done;
} kinds[] = {{"welcome", "Welcome mail", "Welcome mail sent"},
             {"back", "Welcome back mail", "Welcome back mail sent"},
             {"card", "Update your card mail", "Update your card mail sent"},
             {"goodbye", "Goodbye mail", "Goodbye mail sent"},
             {"contact", "Contact", "Up to date in %s"},
             {"access", "Access", "%s knows"},
             {"refund", "Refund note", "Refund note left in %s"},
             {"dispute", "Dispute note", "Dispute note left in %s"},
             {"ticket", "Note on the ticket", "Note left on the ticket in %s"},
             {"requester", "Whose ticket it is", "%s said whose ticket it is"}};

enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

/* What a job is for; a kind of no row is shown as it is, its first letter large. */
static void add_kind(const json_t *job, struct buf *out)
{
    const char *kind = tree_text(job, "kind");
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (strcmp(kinds[i].kind, kind) == 0) {
            buf_add_text(out, kinds[i].words);
            return;
        }
    }
    for (size_t i = 0; kind[i]; i++) {
        char c = kind[i] == '_' ? ' ' : kind[i];
        c = i == 0 ? (char)toupper((unsigned char)c) : c;
        buf_add(out, &c, 1);
    }
    if (strcmp(tree_text(job, "actor"), "mailer") == 0) {
        buf_add_text(out, " mail");
    } else if (strcmp(tree_text(job, "actor"), "alert") == 0) {
        buf_add_text(out, " notice");
    }
}

static void add_done(const json_t *job, const char *name, struct buf *out)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (strcmp(kinds[i].kind, tree_text(job, "kind")) == 0) {
            size_t from = out->len;
            buf_printf(out, kinds[i].done, name);
            uint8_t *first = out->len > from ? &out->bytes[from] : NULL;
            if (first) { /* "the mail folder", "your app" */
                *first = (uint8_t)toupper(*first);
            }
            return;
        }
    }
    add_kind(job, out);
    buf_printf(out, ": %s took it", name);
}

void line_job_words(const json_t *job, struct buf *out)
{
    const char *state = tree_text(job, "state"), *target = tree_text(job, "target");
    const char *name = line_target_name(*target ? target : tree_text(job, "actor"));
    int64_t attempt = tree_int(job, "attempt"), version = tree_int(job, "version");
    bool done = strcmp(state, "done") == 0;
    if (!done) {
        add_kind(job, out);
    }
    if (done) {
        add_done(job, name, out);
    } else if (strcmp(state, "dead") == 0) {
        buf_printf(out, ": %s does not take it; it waits for a person", name);
    } else if (strcmp(state, "uncertain") == 0) {
        buf_printf(out, ": nobody knows whether %s took it", name);
    } else if (strcmp(state, "superseded") == 0) {
        buf_add_text(out, ": not needed any more");
    } else if (strcmp(state, "skipped") == 0) {
        buf_add_text(out, ": skipped");
    } else if (strcmp(state, "settling") == 0) {
        buf_add_text(out, ": waits to see whether it still holds");
    } else if (strcmp(state, "sending") == 0 || strcmp(state, "committing") == 0) {
        buf_printf(out, ": on its way to %s", name);
    } else {
        buf_printf(out, ": waits for %s", name);
    }
    if (version) {
        buf_printf(out, done ? " (version %lld)" : ", version %lld", (long long)version);
    }
    if (attempt > 1) {
        buf_printf(out, ", attempt %lld", (long long)attempt);
    }
}

/* --- people ------------------------------------------------------------------------------------ */

/* "by ada" is in `who`; the words say what. */
static const struct {
    const char *type;
    const char *words;
} acts[] = {{"admin.granted", "Access granted"},
            {"admin.revoked", "Access revoked"},
            {"admin.retried", "Tried again"},
            {"admin.skipped", "Skipped"},
            {"admin.noted", "Note"},
            {"admin.resynced", "Sent to the CRM again"},
            {"admin.resent", "Mail sent once more"},
            {"admin.paused", "Paused"},
            {"admin.resumed", "Let go on"},
            {"admin.silenced", "Alert silenced"},
            {"admin.unsilenced", "Alert speaks again"},
            {"admin.tested", "Alert hooks tried"},
            {"admin.rotated", "Secret changed"},
            {"admin.person_changed", "Person"},
            {"admin.key_changed", "API key"},
            {"admin.signed_in", "Signed in"}};

/* What was done to somebody of the team; %s is the name. */
static const struct {
    const char *what;
    const char *words;
} persons[] = {{"added", "%s was added"},
               {"removed", "%s was removed"},
               {"role", "%s has another role"},
               {"invited", "%s got a new link"},
               {"password", "%s chose a password"},
               {"totp", "%s turned on two-step sign-in"},
               {"totp_removed", "%s turned off two-step sign-in"},
               {"signed_out", "A session of %s was ended"}};

/* False if it is another act. */
static bool words_of_team(const char *type, const json_t *data, struct buf *out)
{
    const char *person = tree_text(data, "person"), *role = tree_text(data, "role");
    if (strcmp(type, "admin.signed_in") == 0) {
        buf_printf(out, "%s signed in", person);
        return true;
    }
    if (strcmp(type, "admin.key_changed") == 0) {
        buf_printf(out, "API key %s: %s", tree_text(data, "what"), tree_text(data, "name"));
        return true;
    }
    for (size_t i = 0; i < sizeof persons / sizeof *persons; i++) {
        if (strcmp(type, "admin.person_changed") == 0 &&
            strcmp(persons[i].what, tree_text(data, "what")) == 0) {
            buf_printf(out, persons[i].words, person);
            buf_printf(out, *role ? " as %s" : "", role);
            return true;
        }
    }
    return false;
}

static void words_of_act(const char *type, const json_t *data, struct buf *out)
{
    const char *reason = tree_text(data, "reason"), *text = tree_text(data, "text");
    const char *words = type + strlen("admin.");
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        words = strcmp(acts[i].type, type) == 0 ? acts[i].words : words;
    }
    if (strcmp(type, "admin.revoked") == 0 && tree_flag(data, "lift")) {
        words = "Revocation taken back";
    }
    if (words_of_team(type, data, out)) {
        buf_printf(out, *reason ? ": %s" : "", reason);
        return;
    }
    buf_add_text(out, words);
    static const char *const details[] = {"what", "person", "role",   "key",
                                          "slot", "rule",   "secret", NULL};
    for (const char *const *detail = details; *detail; detail++) {
        if (*tree_text(data, *detail)) {
            buf_printf(out, " %s", tree_text(data, *detail));
        }
    }
    if (tree_int(data, "until")) {
        char time[CLOCK_TEXT_BYTES];
        buf_printf(out, " until %.10s", clock_rfc3339(tree_int(data, "until"), time));
    }
    if (*reason || *text) {
        buf_printf(out, ": %s", *reason ? reason : text);
    }
}

/* --- the line ---------------------------------------------------------------------------------- */

static const char *lane_of(const char *type, const json_t *data)
{
    if (is_of(type, "payment.") || is_of(type, "dispute.") || is_of(type, "subscription.") ||
        is_of(type, "customer.")) {
        return "money";
    }
    if (is_of(type, "member.")) {
        return "access";
    }
    if (is_of(type, "job.")) {
        const char *actor = tree_text(data, "actor");
        return strcmp(actor, "mailer") == 0  ? "mail"
               : strcmp(actor, "alert") == 0 ? "alert"
                                             : "tools";
    }
    if (is_of(type, "ticket.") || is_of(type, "crm.")) {
        return "tools";
    }
    return is_of(type, "mail.")    ? "mail"
           : is_of(type, "admin.") ? "admin"
           : is_of(type, "alert.") ? "alert"
                                   : "system";
}

static bool words_of(const char *type, const json_t *data, struct buf *out)
{
    if (strcmp(type, "member.due") == 0 || strcmp(type, "payment.linked") == 0 ||
        strcmp(type, "ticket.identified") == 0) {
        return false;
    }
    if (is_of(type, "member.")) {
        words_of_member(data, out);
    } else if (is_of(type, "job.")) {
        line_job_words(data, out);
        if (*tree_text(data, "error")) {
            buf_printf(out, ": %s", tree_text(data, "error"));
        }
    } else if (is_of(type, "admin.")) {
        words_of_act(type, data, out);
    } else if (is_of(type, "alert.")) {
        buf_printf(out, "%s%s", strcmp(type, "alert.cleared") == 0 ? "Over: " : "",
                   tree_text(data, "text"));
    } else if (is_of(type, "target.")) {
        bool refused = strcmp(type, "target.refused") == 0;
        buf_printf(out, "%s %s our key", line_target_name(tree_text(data, "target")),
                   refused ? "refuses" : "takes");
    } else if (strcmp(type, "crm.repaired") == 0) {
        buf_printf(out, "Put right in %s: %s", line_target_name(tree_text(data, "target")),
                   tree_text(data, "reason"));
    } else if (strcmp(type, "webhook.refused") == 0) {
        buf_add_text(out, "Deliveries were refused at the door");
    } else if (strcmp(type, "backfill.done") == 0) {
        buf_printf(out, "%lld missed at the provider: found and taken in",
                   (long long)tree_int(data, "applied"));
    } else {
        return words_of_provider(type, data, out);
    }
    return true;
}

static void set_or_null(json_t *line, const char *key, const char *text)
{
    json_t *value = *text ? json_string(text) : NULL;
    tree_set(line, key, value ? value : json_null());
}

bool line_of(const json_t *event, json_t **out)
{
    const char *type = tree_text(event, "type");
    const json_t *data = tree_get(event, "data");
    struct buf raw = {0}, text = {0};
    *out = NULL;
    if (!words_of(type, data, &raw)) {
        buf_fini(&raw);
        return false;
    }
    view_redact_text(buf_text(&raw), &text); /* an error or a reason may name an address */
    json_t *line = json_object();
    const char *who = tree_text(event, "who");
    tree_set_int(line, "seq", tree_int(event, "seq"));
    tree_set(line, "time", json_string(tree_text(event, "time")));
    tree_set(line, "lane", json_string(lane_of(type, data)));
    set_or_null(line, "text", buf_text(&text));
    if (!*tree_text(line, "text")) {
        tree_set(line, "text", json_string(type));
    }
    set_or_null(line, "member", tree_text(event, "subject"));
    tree_set(line, "name", json_null());
    tree_set(line, "event", json_string(tree_text(event, "id")));
    tree_set(line, "type", json_string(type));
    set_or_null(line, "rule", is_of(type, "member.") ? tree_text(data, "rule") : "");
    set_or_null(line, "who", *who ? who : tree_text(data, "who"));
    set_or_null(line, "state", is_of(type, "job.") ? tree_text(data, "state") : "");
    buf_fini(&raw);
    buf_fini(&text);
    *out = line;
    return true;
}
