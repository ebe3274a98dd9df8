#include "home_view.h"

#include "buf.h"
#include "must.h"
#include "problem_view.h"
#include "values.h"

#include <stdio.h>
#include <string.h>

enum { MINUTE_MS = 60 * 1000, HOUR_MS = 60 * MINUTE_MS, DAY_MS = 24 * HOUR_MS };

bool home_is_actor(const json_t *peer)
{
    const char *name = tree_text(peer, "name");
    return strncmp(name, "people/", 7) != 0 && strcmp(name, "tools") != 0;
}

const char *home_actor_state(const json_t *peer)
{
    if (!tree_flag(peer, "connected")) {
        return "missing";
    }
    return tree_int(peer, "oldest_ms") > HOME_LAG_MS_MAX ? "lagging" : "up";
}

/* --- tiles ------------------------------------------------------------------------------------ */

static void add_tile(json_t *tiles, const char *id, const char *label, struct buf *value,
                     const char *limit, const char *state, const char *href)
{
    json_t *tile = json_object();
    tree_set_text(tile, "id", id);
    tree_set_text(tile, "label", label);
    tree_set_text(tile, "value", buf_text(value));
    tree_set(tile, "limit", json_string(limit));
    tree_set_text(tile, "state", state);
    tree_set_text(tile, "href", href);
    MUST(json_array_append_new(tiles, tile) == 0);
    buf_reset(value);
}

static void add_age(struct buf *out, int64_t ms)
{
    if (ms < MINUTE_MS) {
        buf_printf(out, "%lld s", (long long)(ms / 1000));
    } else if (ms < HOUR_MS) {
        buf_printf(out, "%lld min", (long long)(ms / MINUTE_MS));
    } else if (ms < DAY_MS) {
        buf_printf(out, "%lld h", (long long)(ms / HOUR_MS));
    } else {
        buf_printf(out, "%lld days", (long long)(ms / DAY_MS));
    }
}

/* Since the oldest problem with the CRM began: until then members are not there as they are. */
static int64_t oldest_unsynced_ms(const struct home_seen *seen)
{
    int64_t oldest = 0;
    size_t i;
    json_t *problem;
    json_array_foreach(seen->problems, i, problem)
    {
        int64_t since = tree_int(problem, "since_ms");
        if (strcmp(tree_text(problem, "actor"), "crm") == 0 && since &&
            (!oldest || since < oldest)) {
            oldest = since;
        }
    }
    return oldest && oldest < seen->now_ms ? seen->now_ms - oldest : 0;
}

static int64_t dead_count(const struct home_seen *seen)
{
    int64_t count = 0;
    size_t i;
    json_t *problem;
    json_array_foreach(seen->problems, i, problem)
    {
        const char *cause = tree_text(problem, "cause");
        if (strcmp(cause, "dead") == 0 || strcmp(cause, "uncertain") == 0) {
            count += tree_int(problem, "count");
        }
    }
    return count;
}

static void add_bounces(json_t *tiles, const json_t *numbers, struct buf *value)
{
    int64_t sent = tree_int(numbers, "mails"), bounced = tree_int(numbers, "bounces");
    int64_t permille = sent ? bounced * 1000 / sent : 0;
    bool judged = sent >= HOME_BOUNCE_MAILS_MIN;
    buf_printf(value, "%lld.%lld %%", (long long)(permille / 10), (long long)(permille % 10));
    add_tile(tiles, "bounce_rate", "Mails bounced", value, "at most 2 %",
             judged && permille > HOME_BOUNCE_PERMILLE_MAX ? "bad" : "ok", "/events?type=mail.");
}

static json_t *make_tiles(const struct home_seen *seen)
{
    json_t *tiles = json_array();
    const json_t *numbers = seen->numbers;
    bool partial = json_array_size(seen->partial) > 0 || !seen->status;
    int64_t unsynced = oldest_unsynced_ms(seen), dead = dead_count(seen);
    size_t causes = json_array_size(seen->problems);
    struct buf value = {0};
    buf_printf(&value, "%lld", (long long)tree_int(numbers, "with_access"));
    add_tile(tiles, "members_with_access", "Members with access", &value, "", "ok",
             "/members?access=true");
    buf_printf(&value, "%lld", (long long)tree_int(numbers, "payments_today"));
    if (*tree_text(numbers, "paid_today")) {
        buf_printf(&value, " (%s)", tree_text(numbers, "paid_today"));
    }
    add_tile(tiles, "payments_today", "Payments today", &value, "", "ok", "/events?type=payment.");
    if (unsynced) {
        add_age(&value, unsynced);
    } else {
        buf_add_text(&value, partial ? "not known" : "nothing waits");
    }
    add_tile(tiles, "oldest_unsynced", "Waiting for the CRM", &value, "at most 5 min",
             unsynced > HOME_UNSYNCED_MS_MAX ? "bad"
             : unsynced                      ? "warn"
             : partial                       ? "unknown"
                                             : "ok",
             "/problems");
    buf_printf(&value, "%zu", causes);
    add_tile(tiles, "failing_causes", "Causes that fail", &value, "none",
             causes    ? "warn"
             : partial ? "unknown"
                       : "ok",
             "/problems");
    buf_printf(&value, "%lld", (long long)dead);
    add_tile(tiles, "dead_letters", "Waiting for a person", &value, "none",
             dead      ? "bad"
             : partial ? "unknown"
                       : "ok",
             "/problems");
    add_bounces(tiles, numbers, &value);
    buf_fini(&value);
    return tiles;
}

/* --- the sentence ----------------------------------------------------------------------------- */

struct said {
    const char *color;
    struct buf sentence;
    struct buf advice;
    char href[64];
};

static void say(struct said *said, const char *color, const char *href)
{
    said->color = color;
    snprintf(said->href, sizeof said->href, "%s", href);
}

static const json_t *first_missing(const json_t *status)
{
    size_t i;
    json_t *peer;
    json_array_foreach(tree_get(status, "peers"), i, peer)
    {
        if (home_is_actor(peer) && strcmp(home_actor_state(peer), "up") != 0) {
            return peer;
        }
    }
    return NULL;
}

static void say_problem(struct said *said, const json_t *problem, size_t others)
{
    buf_printf(&said->sentence, "%s: %lld job%s wait%s", tree_text(problem, "sentence"),
               (long long)tree_int(problem, "count"), tree_int(problem, "count") == 1 ? "" : "s",
               tree_int(problem, "count") == 1 ? "s" : "");
    if (others) {
        buf_printf(&said->sentence, ", and %zu other cause%s", others, others == 1 ? "" : "s");
    }
    buf_add_text(&said->sentence, ".");
    buf_add_text(&said->advice, tree_text(problem, "todo"));
    char href[64];
    snprintf(href, sizeof href, "/problems/%s", tree_text(problem, "id"));
    say(said, problem_is_serious(problem) ? "red" : "yellow", href);
}

static void say_what_holds(struct said *said, const struct home_seen *seen)
{
    const json_t *first = json_array_get(seen->problems, 0);
    const json_t *missing = first_missing(seen->status);
    const json_t *alert = json_array_get(seen->alerts, 0);
    size_t causes = json_array_size(seen->problems);
    if (!seen->status) {
        buf_add_text(&said->sentence, "The fleet does not answer; what you see is from before.");
        buf_add_text(&said->advice, "Whoever runs the machine looks with: usher status");
        say(said, "red", "/fleet");
    } else if (first && problem_is_serious(first)) {
        say_problem(said, first, causes - 1);
    } else if (missing) {
        bool lags = strcmp(home_actor_state(missing), "lagging") == 0;
        buf_printf(&said->sentence, "The %s is %s; the rest goes on.", tree_text(missing, "name"),
                   lags ? "behind" : "not there");
        buf_add_text(&said->advice, "It is started again by itself. If it lasts: usher status");
        say(said, lags ? "yellow" : "red", "/fleet");
    } else if (first) {
        say_problem(said, first, causes - 1);
    } else if (alert) {
        buf_printf(&said->sentence, "An alert stands: %s", tree_text(alert, "text"));
        buf_add_text(&said->advice, tree_text(alert, "todo"));
        say(said, "yellow", "/alerts");
    } else if (json_array_size(seen->partial)) {
        buf_printf(&said->sentence, "The %s does not answer; the rest is fine.",
                   json_string_value(json_array_get(seen->partial, 0)));
        say(said, "yellow", "/fleet");
    } else {
        buf_add_text(&said->sentence, "Everything is fine.");
        say(said, "green", "");
    }
}

json_t *home_view(const struct home_seen *seen)
{
    struct said said = {0};
    json_t *home = json_object(), *advice = NULL;
    say_what_holds(&said, seen);
    tree_set_text(home, "color", said.color);
    tree_set_text(home, "sentence", buf_text(&said.sentence));
    if (said.advice.len) {
        advice = json_object();
        tree_set_text(advice, "text", buf_text(&said.advice));
        tree_set_text(advice, "href", said.href);
    }
    tree_set(home, "advice", advice ? advice : json_null());
    tree_set(home, "tiles", make_tiles(seen));
    tree_set_int(home, "problems", (int64_t)json_array_size(seen->problems));
    buf_fini(&said.sentence);
    buf_fini(&said.advice);
    return home;
}
