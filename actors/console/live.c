#include "live.h"

#include "clock.h"
#include "gather.h"
#include "handlers.h"
#include "home_gather.h"
#include "must.h"
#include "reply.h"
#include "roles.h"
#include "sessions.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

/* One open page. */
struct page {
    struct page *next;
    struct live *live;
    struct web_stream *stream;
    struct visit visit; /* whose: for masking; its request is over */
};

struct live {
    struct console *console;
    struct page *pages;
    size_t count;
    int64_t state_ms, comment_ms;
    bool asking;
    char *state; /* as it was told last; NULL: not yet */
};

static void page_remove(struct page *page)
{
    for (struct page **link = &page->live->pages; *link; link = &(*link)->next) {
        if (*link == page) {
            *link = page->next;
            page->live->count--;
            free(page);
            return;
        }
    }
}

static void on_closed(void *self, struct web_stream *stream)
{
    (void)stream;
    page_remove(self);
}

void live_open(struct visit *visit)
{
    struct live *live = visit->console->live;
    struct page *page = must_calloc(1, sizeof *page);
    static const char *const headers[] = {"X-Accel-Buffering", "no", NULL};
    page->live = live;
    page->visit = *visit;
    page->stream = web_stream_begin(visit->request, headers, on_closed, page);
    page->visit.request = NULL;
    page->visit.body = NULL;
    if (!page->stream) {
        free(page); /* too many: it has been told so */
        return;
    }
    page->next = live->pages;
    live->pages = page;
    live->count++;
    if (live->state) {
        web_stream_send(page->stream, "state", live->state);
    }
    live->state_ms = 0; /* the newest, soon */
}

void live_line(struct live *live, const json_t *line)
{
    for (struct page *page = live->pages; page; page = page->next) {
        json_t *shown = json_deep_copy(line);
        reply_mask(&page->visit, shown);
        char *text = json_dumps(shown, JSON_COMPACT);
        MUST(text);
        web_stream_send(page->stream, "line", text);
        free(text);
        json_decref(shown);
    }
}

/* --- the state of the whole -------------------------------------------------------------------- */

static void tell_state(struct live *live, const json_t *home)
{
    json_t *state = json_object();
    bool up = client_is_up(actor_client(live->console->actor));
    tree_set_text(state, "fleet", up ? "up" : "down");
    tree_set_int(state, "problems", tree_int(home, "problems"));
    tree_set_text(state, "color", tree_text(home, "color"));
    tree_set_text(state, "sentence", tree_text(home, "sentence"));
    char *text = json_dumps(state, JSON_COMPACT);
    MUST(text);
    json_decref(state);
    if (live->state && strcmp(live->state, text) == 0) {
        free(text);
        return;
    }
    free(live->state);
    live->state = text;
    for (struct page *page = live->pages; page; page = page->next) {
        web_stream_send(page->stream, "state", text);
    }
}

static void on_gathered(void *self, const struct gather *gather)
{
    struct live *live = self;
    json_t *home = home_gathered(live->console, gather);
    live->asking = false;
    tell_state(live, home);
    json_decref(home);
}

void live_state_changed(struct live *live)
{
    live->state_ms = 0;
}

static void end_over(struct live *live)
{
    for (struct page *page = live->pages, *next; page; page = next) {
        next = page->next;
        struct session session;
        const struct identity *identity = &page->visit.identity;
        bool open = sessions_is_open(live->console->vault, identity->session, clock_wall_ms()) &&
                    sessions_find(live->console->vault, identity->session, &session) == OK &&
                    role_rights(session.role) == identity->rights;
        if (!open) { /* with another role the page comes back by itself */
            web_stream_end(&page->stream);
            page_remove(page);
        }
    }
}

void live_tick(struct live *live, int64_t now_ms)
{
    if (!live->pages) {
        return;
    }
    if (now_ms - live->state_ms >= LIVE_STATE_MS && !live->asking) {
        live->state_ms = now_ms;
        live->asking = true;
        end_over(live);
        struct gather *gather = gather_alone(live->console, on_gathered, live);
        home_gather(gather);
        gather_go(&gather);
    }
    if (now_ms - live->comment_ms >= LIVE_COMMENT_MS) {
        live->comment_ms = now_ms;
        for (struct page *page = live->pages; page; page = page->next) {
            web_stream_comment(page->stream, "");
        }
    }
}

size_t live_pages(const struct live *live)
{
    return live->count;
}

struct live *live_new(struct console *console)
{
    struct live *live = must_calloc(1, sizeof *live);
    live->console = console;
    return live;
}

void live_destroy(struct live **out)
{
    struct live *live = *out;
    if (live) {
        while (live->pages) {
            page_remove(live->pages);
        }
        free(live->state);
        free(live);
        *out = NULL;
    }
}
