#include "drill_core.h"

#include "home.h"
#include "must.h"
#include "process.h"
#include "values.h"
#include "wall.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { INIT_MS = 20000 };

static const char folder[] = "/tmp"; /* short: a socket's path has 107 bytes at most */

static enum fault make_home(struct drill *drill, struct buf *why)
{
    enum fault fault = scratch_make(&drill->scratch, folder, "drill");
    if (fault != OK) {
        buf_printf(why, "cannot make a home in %s: %s\n", folder, strerror(errno));
        return fault;
    }
    drill->scratch.keep = drill->options->keep;
    const char *const init[] = {drill->options->init, "init", "--home", drill->scratch.home, NULL};
    if (process_run(init, NULL, why, INIT_MS) != 0) {
        return FAULT_IO;
    }
    buf_reset(why); /* what init says next */
    drill->home.loop = drill->loop;
    drill->home.from = drill->options->home;
    drill->home.home = drill->scratch.home;
    fault = drill_home_fill(&drill->home, why);
    fault = fault == OK ? drill_home_sealed(drill->scratch.home, why) : fault;
    return fault == OK ? rules_load(drill->scratch.home, &drill->rules, why) : fault;
}

static void drill_fini(struct drill *drill)
{
    drill_fleet_end(drill);
    drill_home_fini(&drill->home);
    zloop_destroy(&drill->loop);
    json_decref(drill->cases);
    json_decref(drill->told);
}

enum fault drill_run(const struct drill_options *options, json_t **report, struct buf *why)
{
    enum fault wall = wall_build(); /* before there is a thread */
    struct drill drill = {
        .options = options, .loop = zloop_new(), .refund_ms_max = -1, .sealed = wall == OK};
    int64_t started_ms = clock_mono_ms();
    *report = NULL;
    drill.cases = json_array();
    drill.told = json_array();
    MUST(drill.loop && drill.cases && drill.told);
    enum fault fault = wall == FAULT_DENIED ? OK : wall;
    if (fault != OK) {
        buf_add_text(why, "the network of its own has no loopback\n");
    }
    fault = fault == OK ? http_out_new(drill.loop, &drill.http) : fault;
    fault = fault == OK ? make_home(&drill, why) : fault;
    fault = fault == OK ? drill_fleet_start(&drill, why) : fault;
    if (fault == OK) {
        drill_cases_run(&drill);
        fault = drill.stopped ? FAULT_TIMEOUT : OK;
    }
    if (fault == OK) {
        *report = drill_report_new(&drill, started_ms);
        if (options->keep) {
            tree_set_text(*report, "scratch_home", drill.scratch.home);
        }
    } else if (drill.stopped) {
        buf_add_text(why, "told to stop\n");
    }
    drill_fini(&drill);
    return fault;
}
