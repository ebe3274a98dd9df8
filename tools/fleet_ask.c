#include "fleet_ask.h"

#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 200, READ_EVENTS = 256, READ_MS = 5000 };

const char *const fleet_effect_actors[] = {"crm", "support", "mailer", "app", "alert", NULL};

/* Appends the actor's jobs to `list`. */
static enum fault jobs_of(struct client *client, const char *actor, const json_t *filters,
                          size_t limit, json_t *list)
{
    char *after = must_strdup("");
    enum fault fault = OK;
    for (bool more = true; more && fault == OK && json_array_size(list) < limit;) {
        json_t *question = json_object();
        json_object_update(question, (json_t *)filters);
        tree_set_text(question, "ask", "jobs");
        tree_set_text(question, "after", after);
        tree_set_int(question, "limit", PAGE);
        json_t *answer = NULL;
        fault = client_ask_wait(client, actor, question, CLI_ASK_MS, &answer);
        json_array_extend(list, tree_get(answer, "jobs"));
        const char *next = tree_text(answer, "next"); /* a page may be empty before the end */
        more = *next && strcmp(next, after) != 0;
        free(after);
        after = must_strdup(next);
        json_decref(answer);
        json_decref(question);
    }
    free(after);
    return fault;
}

json_t *fleet_jobs(const struct cli *cli, struct client *client, const char *actor,
                   const json_t *filters, size_t limit, size_t *answered)
{
    json_t *list = json_array();
    *answered = 0;
    for (const char *const *at = fleet_effect_actors; *at; at++) {
        if (actor && strcmp(actor, *at) != 0) {
            continue;
        }
        enum fault fault = jobs_of(client, *at, filters, limit, list);
        *answered += fault == OK;
        if (fault != OK && (actor || strcmp(*at, "alert") != 0)) {
            cli_say(cli, "%s does not answer (%s): its jobs are not shown", *at,
                    fault_words(fault));
        }
    }
    while (json_array_size(list) > limit) {
        json_array_remove(list, json_array_size(list) - 1);
    }
    return list;
}

int fleet_members_by(const struct cli *cli, struct client *client, const char *who, json_t **list)
{
    json_t *answer = NULL;
    json_t *question = json_pack("{s:s, s:s}", "ask", "member", "who", who);
    *list = NULL;
    if (!question) {
        return cli_usage(cli, "\"%s\" is not text", cli_clean(who));
    }
    int code = cli_ask(cli, client, "ledger", question, &answer);
    json_decref(question);
    if (code == CLI_FINE) {
        *list =
            tree_get(answer, "members") ? json_incref(tree_get(answer, "members")) : json_array();
    }
    json_decref(answer);
    return code;
}

static bool is_wanted(const json_t *seqs, size_t *at, int64_t seq)
{
    while (*at < json_array_size(seqs) && json_integer_value(json_array_get(seqs, *at)) < seq) {
        (*at)++;
    }
    return json_integer_value(json_array_get(seqs, *at)) == seq;
}

int fleet_events(const struct cli *cli, struct client *client, const json_t *seqs, json_t **list)
{
    *list = json_array();
    int64_t last = json_integer_value(json_array_get(seqs, json_array_size(seqs) - 1));
    size_t at = 0;
    while (at < json_array_size(seqs)) {
        int64_t from = json_integer_value(json_array_get(seqs, at));
        uint64_t next, head;
        size_t max = last - from < READ_EVENTS ? (size_t)(last - from + 1) : READ_EVENTS;
        json_t *page = json_array();
        enum fault fault =
            client_read_wait(client, (uint64_t)from, max, NULL, READ_MS, page, &next, &head);
        size_t i;
        json_t *event;
        json_array_foreach(page, i, event)
        {
            if (is_wanted(seqs, &at, tree_int(event, "seq"))) {
                json_array_append(*list, event);
                at++;
            }
        }
        json_decref(page);
        if (fault == FAULT_GONE || fault == FAULT_CORRUPT) {
            cli_say(cli, "event %lld is %s and not shown", (long long)from, fault_words(fault));
            at++;
        } else if (fault != OK) {
            json_decref(*list);
            *list = NULL;
            return cli_fail(cli, CLI_UNREACHABLE, "the journal cannot be read: %s",
                            fault_words(fault));
        } else {
            (void)is_wanted(seqs, &at, (int64_t)next); /* not there: other people's rights */
        }
    }
    return CLI_FINE;
}
