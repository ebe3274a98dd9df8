/* area_fleet.c - the processes, as the caller found them. */
#include "doctor_core.h"

#include <string.h>

static void judge_actor(struct doctor *doctor, const json_t *actor)
{
    const char *home = doctor->options->home;
    const char *name = tree_text(actor, "name");
    const char *state = tree_text(actor, "state");
    const char *version = tree_text(actor, "version");
    if (strcmp(state, "up") != 0) {
        doctor_say(doctor, CHECK_FLEET_ACTOR, HEALTH_TROUBLE, "%s: %s", name, state);
        if (strcmp(state, "down") == 0) {
            doctor_todo(doctor, CHECK_FLEET_ACTOR, "usher up");
        } else {
            doctor_todo(doctor, CHECK_FLEET_ACTOR, "Read why: tail %s/data/log/%s/current", home,
                        name);
        }
    }
    if (*version && strcmp(version, USHER_VERSION) != 0) {
        doctor_say(doctor, CHECK_FLEET_VERSION, HEALTH_TROUBLE, "%s is %s, this is " USHER_VERSION,
                   name, doctor_clean(doctor, version));
        doctor_todo(doctor, CHECK_FLEET_VERSION, "usher down, then: usher up");
    }
}

void area_fleet(struct doctor *doctor)
{
    const struct doctor_options *options = doctor->options;
    if (!options->running && !options->reachable) {
        doctor_say(doctor, CHECK_FLEET_DOWN, HEALTH_TROUBLE, "nothing runs in %s", options->home);
        return;
    }
    if (!options->reachable) {
        doctor_say(doctor, CHECK_FLEET_DOWN, HEALTH_TROUBLE,
                   "its processes run, and the broker does not answer");
        doctor_todo(doctor, CHECK_FLEET_DOWN, "Read why: tail %s/data/log/broker/current",
                    options->home);
    } else {
        doctor_fine(doctor, CHECK_FLEET_DOWN);
        doctor_fine(doctor, CHECK_FLEET_VERSION);
    }
    doctor_fine(doctor, CHECK_FLEET_ACTOR);
    size_t i;
    json_t *actor;
    json_array_foreach(options->actors, i, actor)
    {
        judge_actor(doctor, actor);
    }
}
