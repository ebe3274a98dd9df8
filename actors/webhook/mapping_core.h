/* mapping_core.h - inside of mapping.h: the lines, and which fields a fact may have. */
#ifndef USHER_MAPPING_CORE_H
#define USHER_MAPPING_CORE_H

#include "mapping.h"
#include "zpl.h"

struct mapping {
    struct zpl zpl;
    const char *type; /* templates */
    const char *time;
    const char *live;  /* "": the source's mode */
    size_t live_table; /* its line */
    size_t events;     /* the line of the section */
};

enum mapped_as { AS_ID, AS_WORDS, AS_CURRENCY, AS_NUMBER, AS_TIME, AS_FLAG };

/* A field of a fact as files name it. */
struct mapped_field {
    const char *name;
    enum mapped_as as;
    size_t offset;
    unsigned kinds; /* bits of those that have it */
};

/* NULL if no fact has it. */
const struct mapped_field *mapped_field(const char *name);
/* True if facts of the kind have a status and this is one. */
bool mapped_status(enum fact_kind kind, const char *word);
/* The words, or NULL if facts of the kind have no status. */
const char *const *mapped_statuses(enum fact_kind kind);
/* False if there is no such kind, or none that a file may tell. */
bool mapped_kind(const char *name, enum fact_kind *kind);

/* The line of a type's facts, by whatever name it is told; ZPL_NONE if the file has none. */
size_t mapping_event(const struct mapping *mapping, const char *type);

#endif
