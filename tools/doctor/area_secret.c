/* area_secret.c - the signing secret, by what it looks like and by what became of deliveries. */
#include "doctor_core.h"

#include "must.h"

#include <stdlib.h>
#include <string.h>

static void judge_source(const struct source *source)
{
    struct doctor *doctor = source->doctor;
    const char *usual = doctor_keep(doctor, "file:secrets/%s", source->name);
    const char *raw = source->section ? config_raw(doctor->config, source->section, "secret") : "";
    const char *secret = config_line(doctor->config, source->section,
                                     source->section ? "secret" : "webhook/payment/secret", usual);
    raw = *raw ? raw : usual;
    if (!*secret) {
        bool file = strncmp(raw, "file:", 5) == 0;
        doctor_say(doctor, CHECK_SECRET_MISSING, HEALTH_TROUBLE, "%swebhook/%s/secret: %s%s",
                   source->label, source->kind, file ? raw + 5 : "it",
                   file ? " is empty, or not there" : " is empty");
        doctor_todo(
            doctor, CHECK_SECRET_MISSING,
            "At the provider open the webhook, show its signing secret, and put it into %s%s%s "
            "(chmod 600); then: usher up",
            file ? doctor->options->home : "the setting", file ? "/" : "", file ? raw + 5 : "");
        return;
    }
    doctor_fine(doctor, CHECK_SECRET_MISSING);
    if (strcmp(source->provider, "stripe") == 0 && strncmp(secret, "whsec_", 6) != 0) {
        doctor_say(doctor, CHECK_SECRET_WRONG, HEALTH_TROUBLE,
                   "%sthe secret does not begin with whsec_, as Stripe's signing secrets do",
                   source->label);
    }
}

static void todo_secret(struct doctor *doctor)
{
    doctor_todo(
        doctor, CHECK_SECRET_WRONG,
        "Stripe: Dashboard > Developers > Webhooks > the endpoint with your address > Signing\n"
        "secret. Put it in place of the one here (each endpoint and each mode has its own), then:\n"
        "usher up. What was refused meanwhile: usher backfill");
}

/* Forged ones may come from anybody; when hardly anything else comes, it is the secret. */
static void judge_counts(struct doctor *doctor)
{
    const json_t *counts = doctor->options->counts;
    long long forged = (long long)tree_int(counts, "forged");
    long long stale = (long long)tree_int(counts, "stale");
    long long good = (long long)tree_int(counts, "received") +
                     (long long)tree_int(counts, "ignored") +
                     (long long)tree_int(counts, "duplicate");
    if (!doctor->options->reachable) {
        return; /* said once, as fleet.down */
    }
    if (!counts) {
        doctor_say(doctor, CHECK_SECRET_WRONG, HEALTH_UNKNOWN,
                   "the fleet does not say how deliveries went");
        return;
    }
    if (forged > 0 && forged >= good) {
        doctor_say(doctor, CHECK_SECRET_WRONG, HEALTH_TROUBLE,
                   "%lld of %lld deliveries since the start failed the check", forged,
                   forged + stale + good);
    } else {
        doctor_fine(doctor, CHECK_SECRET_WRONG);
    }
    if (stale > 0 && stale >= good) {
        doctor_say(doctor, CHECK_CLOCK_OFF, HEALTH_WARNING,
                   "%lld of %lld deliveries since the start had a time that is too far from ours",
                   stale, forged + stale + good);
    }
}

/* Events of the other mode are recorded and have no effect. */
static void judge_mode(struct doctor *doctor)
{
    size_t i;
    json_t *event;
    size_t other = 0, ours = 0;
    json_array_foreach(doctor->options->events, i, event)
    {
        bool is_other = strstr(tree_text(event, "ignored"), "and the mode is") != NULL;
        other += is_other;
        ours += !is_other;
    }
    if (!doctor->options->events) {
        return;
    }
    if (other > ours) {
        const char *mode = doctor->sources[0].mode;
        doctor_say(doctor, CHECK_SECRET_MODE, HEALTH_TROUBLE,
                   "%zu of the last %zu events are of the other mode, and usher.cfg says %s", other,
                   other + ours, mode);
        doctor_todo(
            doctor, CHECK_SECRET_MODE,
            "If this home is for real money: webhook/payment/mode = live, and the live "
            "endpoint's secret.\nElse take the secret of the test endpoint. Then: usher up");
    } else {
        doctor_fine(doctor, CHECK_SECRET_MODE);
    }
}

void area_secret(struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->source_count; i++) {
        judge_source(&doctor->sources[i]);
    }
    judge_counts(doctor);
    judge_mode(doctor);
    todo_secret(doctor);
}
