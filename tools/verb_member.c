/* verb_member.c - one member: shown, granted access, deprived of it, noted on, sent again. */
#include "verbs.h"

#include "clock.h"
#include "fleet_ask.h"
#include "member_print.h"
#include "member_view.h"
#include "must.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

enum { DAYS_MAX = 36500, SETTLE_MS = 3000, BELL_MS = 100 };
enum { DAY_MS = 24 * 3600 * 1000 };

/* --- show ------------------------------------------------------------------------------------ */

/* NULL if the actor does not answer. */
static json_t *lane_of(struct client *client, const char *actor, const json_t *document)
{
    json_t *aliases = tree_get(document, "aliases");
    json_t *question =
        json_pack("{s:s, s:s, s:o}", "ask", "member", "member", tree_text(document, "id"),
                  "aliases", aliases ? json_incref(aliases) : json_array());
    json_t *answer = NULL;
    MUST(question);
    if (client_ask_wait(client, actor, question, CLI_ASK_MS, &answer) != OK) {
        answer = NULL;
    }
    json_decref(question);
    return answer;
}

static json_t *whole_member(struct client *client, const json_t *document)
{
    json_t *crm = lane_of(client, "crm", document);
    json_t *support = lane_of(client, "support", document);
    json_t *mail = lane_of(client, "mailer", document);
    json_t *app = lane_of(client, "app", document);
    json_t *member = member_json(document, crm, support, mail, app);
    json_decref(crm);
    json_decref(support);
    json_decref(mail);
    json_decref(app);
    return member;
}

/* The others of the same name: a program sees their ids. */
static json_t *others_of(const json_t *documents, size_t shown)
{
    json_t *others = json_array();
    size_t i;
    json_t *document;
    json_array_foreach(documents, i, document)
    {
        if (i != shown) {
            json_array_append(others, tree_get(document, "id"));
        }
    }
    return others;
}

static int show(const struct cli *cli, struct client *client, const json_t *documents)
{
    size_t first = member_first(documents), i;
    json_t *document;
    if (cli->json) {
        json_t *member = whole_member(client, json_array_get(documents, first));
        tree_set(member, "others", others_of(documents, first));
        cli_print_json(member);
        json_decref(member);
        return CLI_FINE;
    }
    json_array_foreach(documents, i, document)
    {
        json_t *member = whole_member(client, document);
        printf("%s", i ? "\n" : "");
        member_print(cli, member);
        json_decref(member);
    }
    if (json_array_size(documents) > 1) {
        cli_say(cli, "%zu members are known by that name", json_array_size(documents));
    }
    return CLI_FINE;
}

/* --- changes --------------------------------------------------------------------------------- */

struct change {
    const char *word;
    const char *type;
    const char *done; /* "is granted access" */
    int (*fill)(const struct cli *cli, json_t *data, const char *reason);
};

static int fill_grant(const struct cli *cli, json_t *data, const char *reason)
{
    int64_t days, until_ms = 0;
    const char *until = cli_option(cli, "--until");
    if (!cli_number(cli, "--days", 1, DAYS_MAX, 0, &days)) {
        return CLI_USAGE;
    }
    if (until && !clock_parse(until, &until_ms)) {
        return cli_usage(cli, "--until: expected a time such as 2026-12-31T00:00:00Z");
    }
    if (days) {
        until_ms = clock_wall_ms() + days * DAY_MS;
    }
    if (until_ms && until_ms <= clock_wall_ms()) {
        return cli_usage(cli, "--until: that time is over");
    }
    tree_set_int(data, "until", until_ms);
    tree_set_text(data, "reason", reason);
    return CLI_FINE;
}

static int fill_revoke(const struct cli *cli, json_t *data, const char *reason)
{
    tree_set_flag(data, "lift", cli_flag(cli, "--lift"));
    tree_set_text(data, "reason", reason);
    return CLI_FINE;
}

static int fill_note(const struct cli *cli, json_t *data, const char *reason)
{
    (void)cli;
    tree_set_text(data, "text", reason);
    return CLI_FINE;
}

static int fill_resync(const struct cli *cli, json_t *data, const char *reason)
{
    (void)cli;
    tree_set_text(data, "reason", reason);
    return CLI_FINE;
}

static const struct change changes[] = {
    {"grant", "admin.granted", "is granted access", fill_grant},
    {"revoke", "admin.revoked", "loses access, whatever is paid", fill_revoke},
    {"note", "admin.noted", "has a note", fill_note},
    {"resync", "admin.resynced", "is sent to the CRM again", fill_resync},
};

static const struct change *find_change(const char *word)
{
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        if (strcmp(changes[i].word, word) == 0) {
            return &changes[i];
        }
    }
    return NULL;
}

/* Waits until the member's timeline tells of the event; shows what became of it. */
static void say_outcome(const struct cli *cli, struct client *client, const char *member,
                        const char *event_id)
{
    int64_t until = clock_mono_ms() + SETTLE_MS;
    bool told = false;
    while (!told && clock_mono_ms() < until) {
        json_t *documents = NULL, *entry;
        if (fleet_members_by(cli, client, member, &documents) != CLI_FINE) {
            return;
        }
        const json_t *document = json_array_get(documents, 0);
        size_t i;
        json_array_foreach(tree_get(document, "timeline"), i, entry)
        {
            told |= strcmp(tree_text(entry, "event"), event_id) == 0;
        }
        if (told) {
            cli_say(cli, "%s: %s, access %s: %s", member, tree_text(document, "state"),
                    tree_flag(document, "access") ? "on" : "off", tree_text(document, "reason"));
        } else {
            char type[EVENT_NAME_BYTES_MAX + 1];
            uint64_t seq;
            (void)!client_bell_wait(client, BELL_MS, type, sizeof type, &seq);
        }
        json_decref(documents);
    }
}

static int change_member(const struct cli *cli, struct client *client, const struct change *change,
                         const json_t *documents)
{
    const char *reason = cli_option(cli, "--reason");
    if (json_array_size(documents) > 1) {
        cli_fail(cli, CLI_NO, "%zu members are known by that name: say which, by id",
                 json_array_size(documents));
        size_t i;
        json_t *document;
        json_array_foreach(documents, i, document)
        {
            cli_say(cli, "  %s  %s", tree_text(document, "id"), tree_text(document, "state"));
        }
        return CLI_NO;
    }
    const char *member = tree_text(json_array_get(documents, 0), "id");
    json_t *data = json_pack("{s:s}", "member", member);
    char id[EVENT_ID_BYTES_MAX + 1];
    MUST(data);
    int code = change->fill(cli, data, reason);
    if (code == CLI_FINE) {
        code = cli_publish(cli, client, change->type, member, NULL, NULL, data, id);
    }
    if (code == CLI_FINE) {
        bool lifted = tree_flag(data, "lift");
        cli_say(cli, "%s %s (%s)", member, lifted ? "may have access again" : change->done, id);
        if (cli->json) {
            json_t *answer =
                json_pack("{s:s, s:s, s:s}", "member", member, "event", id, "type", change->type);
            cli_print_json(answer);
            json_decref(answer);
        } else {
            say_outcome(cli, client, member, id);
        }
    }
    json_decref(data);
    return code;
}

/* --- arguments ------------------------------------------------------------------------------- */

static int connect_as_asked(const struct cli *cli, struct client **client)
{
    const char *who = cli_option(cli, "--as");
    if (!who) {
        return cli_connect(cli, true, client);
    }
    if (!*who || strspn(who, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") !=
                     strlen(who)) {
        return cli_usage(cli, "--as: expected a name of keys/people, such as ada");
    }
    char *name = must_sprintf("people/%s", who);
    int code = cli_connect_as(cli, name, true, client);
    free(name);
    return code;
}

int verb_member(struct cli *cli)
{
    const char *first = cli_word(cli, 0);
    const struct change *change = first ? find_change(first) : NULL;
    bool named = change || (first && strcmp(first, "show") == 0);
    const char *who = cli_word(cli, named ? 1 : 0);
    if (!named && cli->word_count == 2) {
        return cli_usage(cli, "expected show, grant, revoke, note or resync, not \"%s\"",
                         cli_clean(first));
    }
    if (!who || cli->word_count > (named ? 2U : 1U)) {
        return cli_usage(cli, "expected one member: an e-mail address, or any id");
    }
    const char *reason = cli_option(cli, "--reason");
    if (change && (!reason || !*reason)) {
        return cli_usage(cli, "--reason is needed: it is kept with the change");
    }
    struct client *client = NULL;
    json_t *documents = NULL;
    int code = connect_as_asked(cli, &client);
    if (code == CLI_FINE) {
        code = fleet_members_by(cli, client, who, &documents);
    }
    if (code == CLI_FINE && !json_array_size(documents)) {
        code = cli_fail(cli, CLI_NO, "nobody is known by \"%s\"", cli_clean(who));
        cli_next(cli, "usher members");
    } else if (code == CLI_FINE) {
        code =
            change ? change_member(cli, client, change, documents) : show(cli, client, documents);
    }
    json_decref(documents);
    client_destroy(&client);
    return code;
}
