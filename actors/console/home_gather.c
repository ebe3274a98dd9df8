#include "home_gather.h"

#include "clock.h"
#include "home_view.h"
#include "projection.h"
#include "values.h"

void home_gather(struct gather *gather)
{
    gather_problems(gather);
    gather_ask(gather, "broker", gather_question("status"));
    gather_ask(gather, "alert", gather_question("alerts"));
}

json_t *home_gathered(struct console *console, const struct gather *gather)
{
    struct store_txn *txn = NULL;
    json_t *numbers = NULL, *home = NULL;
    enum fault fault = store_begin(actor_store(console->actor), false, &txn);
    if (fault == OK) {
        fault = projection_home(txn, clock_wall_ms(), &numbers);
    }
    store_abort(&txn);
    if (fault == OK) {
        json_t *problems = gathered_problems(gather), *partial = gather_partial(gather);
        /* Of the alert actor the problems are asked first. */
        const json_t *alerts = gather_answer(gather, "alert", 1);
        struct home_seen seen = {.numbers = numbers,
                                 .status = gather_answer(gather, "broker", 0),
                                 .problems = problems,
                                 .alerts = tree_get(alerts, "alerts"),
                                 .partial = partial,
                                 .now_ms = clock_wall_ms()};
        home = home_view(&seen);
        json_decref(problems);
        json_decref(partial);
    }
    json_decref(numbers);
    return home;
}
