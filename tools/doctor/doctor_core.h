/* doctor_core.h - what the areas share; inside tools/doctor only.
 *
 * Use        An area starts its calls with doctor_call() and doctor_texts() and says what it finds
 *            with doctor_say(), at once or when an answer comes. A check that waits for an answer
 *            is announced with doctor_await(), so that one that never comes is "could not tell".
 * Ownership  doctor_room() and doctor_keep() live as long as the doctor. */
#ifndef USHER_DOCTOR_CORE_H
#define USHER_DOCTOR_CORE_H

#include "config_view.h"
#include "dns.h"
#include "doctor.h"
#include "http_out.h"
#include "values.h"

enum { DOCTOR_SOURCES_MAX = 16 };

/* One source of usher.cfg: a section webhook/payment, webhook/support or webhook/mail. */
struct source {
    struct doctor *doctor;
    size_t section;    /* of config_view.h; ZPL_NONE: that of Stripe, without a section */
    const char *kind;  /* "payment" */
    const char *name;  /* its own, or the provider's */
    const char *label; /* "" for a single one; else "stripe: ", before what is seen */
    const char *provider;
    const char *mode;
    const char *endpoint; /* the public URL of its door; "" when it is not known */
    const char *other;    /* another URL that leads there, too; "": none */
    bool live;
};

struct doctor {
    const struct doctor_options *options;
    struct config_view *config;
    zloop_t *loop;
    struct http_out *http;
    struct dns *dns;
    int64_t started_ms;     /* monotonic */
    size_t pending;         /* answers that are still to come */
    struct errand *waiting; /* calls for which there was no place yet */
    bool late;              /* the time is over: no new errands */
    struct finding_state *findings;
    struct source sources[DOCTOR_SOURCES_MAX];
    size_t source_count;
    bool heard_clock;     /* somebody outside said what time it is */
    int64_t clock_off_ms; /* the least that ours differs from such a clock */
    struct room *rooms;
};

#define X(name) void area_##name(struct doctor *doctor);
#include "areas_table.h"
#undef X

/* --- findings --------------------------------------------------------------------------------- */

/* The worst word holds; words of the same or a worse health are kept, a line each. */
void doctor_say(struct doctor *doctor, enum check check, enum health health, const char *format,
                ...) __attribute__((format(printf, 4, 5)));
void doctor_fine(struct doctor *doctor, enum check check);
void doctor_await(struct doctor *doctor, enum check check);
/* A line of what to do, in place of the table's. */
void doctor_todo(struct doctor *doctor, enum check check, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "Add this DNS record", exactly. */
void doctor_record(struct doctor *doctor, enum check check, const char *name, const char *value);

/* --- errands ---------------------------------------------------------------------------------- */

/* `answer` is borrowed until it returns. */
typedef void doctor_heard(struct doctor *doctor, void *about, const struct answer *answer);
/* Takes the call's content (call_fini). `outside`: its clock is somebody else's. */
void doctor_call(struct doctor *doctor, struct call *call, bool outside, doctor_heard *heard,
                 void *about);

typedef void doctor_named(struct doctor *doctor, void *about, enum dns_answer answer,
                          const char *const *texts, size_t count);
void doctor_texts(struct doctor *doctor, const char *name, doctor_named *named, void *about);

/* Zeroed. */
void *doctor_room(struct doctor *doctor, size_t bytes);
char *doctor_keep(struct doctor *doctor, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* --- reading answers -------------------------------------------------------------------------- */

/* The object in a body, a new reference; NULL when it is none (HTML, cut off, a list, ...). */
json_t *doctor_json(const struct answer *answer);
/* Why there was no answer, in words: "does not answer within 5 s". */
const char *doctor_unreached(struct doctor *doctor, const struct answer *answer);
/* What is wrong with the certificate. */
const char *doctor_certificate_words(enum answer_tls tls);
/* Outside text for a finding: control characters replaced, cut to a line. */
const char *doctor_clean(struct doctor *doctor, const char *text);
/* Scheme, host and path of a URL, without what may be secret behind them. */
const char *doctor_place(struct doctor *doctor, const char *url);
/* The host alone, in lower case; "" when it is no URL. */
const char *doctor_host(struct doctor *doctor, const char *url);

#endif
