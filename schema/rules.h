/* rules.h - the rules, with what a founder changed in rules.cfg.
 *
 * Use        rules_load() reads HOME/rules.cfg; without the file the table's defaults hold.
 *            rules_print() writes them in plain English, as `usher rules` and the console show it.
 * Settings   One section per rule, by its lower-case name: run, tag, settle, mail, support, alert.
 *            payment_failed/grace: how long access stays after a failed payment.
 *            A mistake is refused with file, line and what was expected.
 * See        rules_table.h, RULES.md (the truth table of access) */
#ifndef USHER_RULES_H
#define USHER_RULES_H

#include "buf.h"
#include "fault.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum rule_id {
#define X(id, name, when, tag, mail, key, settle, support, alert, sentence) RULE_##id,
#include "rules_table.h"
#undef X
    RULE_COUNT
};

enum { RULE_TAG_BYTES_MAX = 63 };

struct rule {
    const char *name;
    const char *when;
    const char *mail_kind; /* "": the rule knows no mail */
    const char *key;
    const char *sentence;
    char tag[RULE_TAG_BYTES_MAX + 1]; /* "": none */
    bool mail;
    bool support;
    bool urgent;
    bool alert;
    int64_t settle_ms;
};

struct rules {
    struct rule rule[RULE_COUNT];
    int64_t grace_ms;
};

/* The table as it stands. */
void rules_default(struct rules *rules);

/* FAULT_CONFIG with one line per mistake in `why`. */
enum fault rules_load(const char *home, struct rules *rules, struct buf *why) NODISCARD;

/* Plain English, one paragraph a rule. */
void rules_print(const struct rules *rules, struct buf *out);
/* The same as a list of objects (new reference). */
json_t *rules_tree(const struct rules *rules);

#endif
