/* handle_machine.c - what programs ask: health, metrics, the API's description. */
#include "handlers.h"

#include "clock.h"
#include "gather.h"
#include "live.h"
#include "metrics.h"
#include "openapi.h"
#include "projection.h"
#include "reply.h"
#include "sessions.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

/* Of the console itself: whoever balances or restarts it asks this, not how the fleet is. */
void machine_health(struct visit *visit)
{
    web_json(visit->request, 200, "{\"status\":\"pass\"}\n");
}

static json_t *count(struct console *console)
{
    struct store_txn *txn = NULL;
    json_t *counts = NULL;
    if (store_begin(actor_store(console->actor), false, &txn) != OK ||
        projection_home(txn, clock_wall_ms(), &counts) != OK) {
        json_decref(counts);
        counts = json_object();
    }
    store_abort(&txn);
    tree_set_int(counts, "sessions", (int64_t)sessions_count(console->vault));
    tree_set_int(counts, "streams", (int64_t)live_pages(console->live));
    tree_set_int(counts, "requests", console->requests);
    tree_set_int(counts, "refused", console->refused);
    return counts;
}

static void metrics_finish(struct visit *visit, const struct gather *gather, json_t *context)
{
    (void)context;
    struct buf text = {0};
    json_t *counts = count(visit->console);
    metrics_text(gather_answer(gather, "broker", 0), counts, &text);
    web_answer(visit->request, &(struct web_answer){.status = 200,
                                                    .media_type = "text/plain; version=0.0.4",
                                                    .body = text.bytes,
                                                    .len = text.len});
    buf_fini(&text);
    json_decref(counts);
}

void machine_metrics(struct visit *visit)
{
    struct gather *gather = gather_new(visit, metrics_finish, NULL);
    gather_ask(gather, "broker", gather_question("status"));
    gather_go(&gather);
}

void machine_openapi(struct visit *visit)
{
    char *text = openapi_text();
    web_json(visit->request, 200, text);
    free(text);
}
