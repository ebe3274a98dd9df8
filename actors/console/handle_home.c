/* handle_home.c - Home, and the first steps. */
#include "handlers.h"

#include "gather.h"
#include "home_gather.h"
#include "must.h"
#include "projection.h"
#include "read.h"
#include "reply.h"
#include "values.h"

enum { HOME_LINES = 20 };

static enum fault look_lines(struct store_txn *txn, const struct visit *visit, json_t **answer)
{
    (void)visit;
    return projection_events(txn, "", "", HOME_LINES, answer);
}

static void show_finish(struct visit *visit, const struct gather *gather, json_t *context)
{
    (void)context;
    json_t *home = home_gathered(visit->console, gather), *lines = NULL;
    enum fault fault = home ? read_in(visit, look_lines, &lines) : FAULT_IO;
    if (fault == OK) {
        tree_set(home, "lines", json_incref(tree_get(lines, "events")));
        reply_partial(visit, home, gather_partial(gather));
    } else {
        json_decref(home);
        reply_fault(visit, fault);
    }
    json_decref(lines);
}

void home_show(struct visit *visit)
{
    struct gather *gather = gather_new(visit, show_finish, NULL);
    home_gather(gather);
    gather_go(&gather);
}

/* --- the first steps --------------------------------------------------------------------------- */

static void add_step(json_t *steps, const char *id, const char *title, const char *text, bool done,
                     const char *command, const char *href)
{
    json_t *step = json_object();
    tree_set_text(step, "id", id);
    tree_set_text(step, "title", title);
    tree_set_text(step, "text", text);
    tree_set_flag(step, "done", done);
    tree_set(step, "command", command ? json_string(command) : json_null());
    tree_set(step, "href", href ? json_string(href) : json_null());
    MUST(json_array_append_new(steps, step) == 0);
}

static json_t *make_steps(const struct console *console, const json_t *seen)
{
    json_t *steps = json_array();
    add_step(
        steps, "provider", "Connect your payment provider",
        "In Stripe's dashboard add an endpoint that ends in /api/webhooks/payment, and put its "
        "signing secret in place under Settings.",
        tree_flag(seen, "provider_event"), NULL, "/settings");
    add_step(steps, "test", "Send a test payment",
             "usher makes a realistic one, signed, through the real door. In test mode nothing is "
             "charged.",
             tree_flag(seen, "provider_event"),
             console->live_mode ? NULL : "usher trigger payment.succeeded --email you@example.com",
             NULL);
    add_step(steps, "arrive", "See it arrive", "The person is a member now, with access.",
             tree_flag(seen, "member"), NULL, "/members");
    add_step(steps, "crm", "Connect your CRM",
             "usher.cfg says where members are shown; the embedded one keeps them here.",
             tree_flag(seen, "crm_done"), NULL, "/fleet");
    add_step(steps, "mail", "See the welcome mail",
             "Mail goes to a folder until usher.cfg names your mail server.",
             tree_flag(seen, "mail_done"), NULL, "/jobs?actor=mailer");
    return steps;
}

static enum fault look_setup(struct store_txn *txn, const struct visit *visit, json_t **answer)
{
    json_t *seen = NULL;
    enum fault fault = projection_setup(txn, &seen);
    if (fault == OK) {
        json_t *steps = make_steps(visit->console, seen), *step;
        bool done = true;
        size_t i;
        json_array_foreach(steps, i, step)
        {
            done = done && tree_flag(step, "done");
        }
        *answer = json_object();
        tree_set(*answer, "steps", steps);
        tree_set_flag(*answer, "done", done);
    }
    json_decref(seen);
    return fault;
}

void home_setup(struct visit *visit)
{
    read_answer(visit, look_setup);
}
