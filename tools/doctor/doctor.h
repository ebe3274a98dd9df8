/* doctor.h - looks at all that a fleet stands on, from this machine, and says what is wrong.
 *
 * Use        Fill struct doctor_options with what the caller knows of the fleet; doctor_new() looks
 *            at everything and waits for all answers; then finding by finding; doctor_destroy().
 * Promise    Changes nothing anywhere (area_stripe.c says how a right to write is seen without
 *            writing). Ends within DOCTOR_MS even when nothing answers: all calls run at once, each
 *            with its own time-out. No secret, no member's name or address is in a finding.
 * Ownership  Options are borrowed until doctor_new() returns; findings live as long as the doctor.
 * Adding     A check is a row of checks_table.h; an area is a file with one function, named in
 *            areas_table.h.
 * See        tests/scenario/doctor, which plants each finding; tests/unit/doctor */
#ifndef USHER_DOCTOR_H
#define USHER_DOCTOR_H

#include "buf.h"

#include <jansson.h>
#include <stdbool.h>

enum {
    DOCTOR_MS = 9000,      /* for all answers from outside */
    DOCTOR_CALL_MS = 5000, /* for one */
    DOCTOR_CLOCK_MS_MAX = 60 * 1000,
    DOCTOR_CERTIFICATE_DAYS = 14
};

enum check {
#define X(ID, name, wrong, why, todo) CHECK_##ID,
#include "checks_table.h"
#undef X
    CHECK_COUNT
};

/* From the best to the worst: a check that looks at several things ends with the worst. */
enum health {
    HEALTH_SKIPPED, /* not applicable here */
    HEALTH_FINE,
    HEALTH_UNKNOWN, /* could not tell */
    HEALTH_WARNING,
    HEALTH_TROUBLE
};

struct doctor_options {
    const char *home;
    const char *dns;      /* ADDRESS:PORT of a name server; NULL: the system's */
    const char *ca;       /* certificates to trust instead of the system's; NULL: none */
    const char *mistakes; /* a line each: what the programs' own checks of the settings say */
    bool running;         /* the supervisor runs */
    bool reachable;       /* the broker answers */
    const json_t *actors; /* [{"name", "state", "version"}]: state is "up" when it is well */
    const json_t *counts; /* of the webhook's door by outcome, since its start; NULL: not known */
    const json_t *events; /* newest provider events, [{"ignored"}]; NULL: not known */
    /* Is an event of that id ("stripe:evt_123") in the journal? NULL when nobody can say. */
    bool (*knows)(void *self, const char *id);
    void *self;
};

struct finding {
    const char *name, *wrong, *why;
    enum health health;
    const char *seen;      /* lines; "" when there is nothing to say */
    const char *todo;      /* lines */
    const json_t *records; /* DNS records to add: [{"name", "type", "value"}]; may be empty */
};

struct doctor;

struct doctor *doctor_new(const struct doctor_options *options);
void doctor_destroy(struct doctor **out);

struct finding doctor_finding(const struct doctor *doctor, enum check check);
/* "fine", "trouble", "warning", "not applicable", "could not tell" */
const char *health_word(enum health health);

/* True if `server` is ADDRESS or ADDRESS:PORT. */
bool doctor_dns_good(const char *server);

#endif
