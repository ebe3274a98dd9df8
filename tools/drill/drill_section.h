/* drill_section.h - one section of usher.cfg, written anew for the drill. For drill_home.c and
 * drill_sources.c alone.
 *
 * Use        A struct section says where one is; section_leaf() writes what a setting becomes,
 *            section_put() and section_put_changed() what the drill says itself. Whatever differs
 *            from the founder's stands in drill->changed.
 * Faults     What cannot be written is a line in `why`. */
#ifndef USHER_DRILL_SECTION_H
#define USHER_DRILL_SECTION_H

#include "drill_home.h"

enum { SECTION_INDENT = 4, SECTION_PATH_BYTES = 256, SECTION_SECRET_CHARS = 96 };

struct section {
    struct drill_home *drill;
    struct buf *out;
    const char *actor;   /* "crm"; "alert" for its hooks, too */
    struct stand *stand; /* of this target; NULL: none */
    char path[SECTION_PATH_BYTES];
    int depth;
    struct buf *why;
};

/* A line of the founder's: as it is, or as the drill has it; or none. */
void section_leaf(struct section *section, zconfig_t *leaf);

void section_put(struct section *section, int depth, const char *name, const char *value);
void section_put_changed(struct section *section, int depth, const char *name, const char *value);
void section_note(struct section *section, const char *name, const char *now);
void section_changed(struct drill_home *drill, const char *path, const char *name, const char *now);

/* Nobody can play that provider. */
void section_missing(struct drill_home *drill, const char *actor, const char *provider);

/* A secret of the drill's in a file of its own: "file:secrets/drill-3", and its text. */
char *section_secret(struct section *section, char *text, size_t room);

/* The form of a stand-in's setting ("{url}/hook"), filled in. */
char *section_filled(struct section *section, struct stand *stand, const char *form);

/* --- who posts (drill_sources.c) ------------------------------------------------------------ */

/* Is the path that of a section payment, support or mail of the webhook? */
bool section_is_source(const char *path);
void section_source(struct section *section, zconfig_t *node);
/* To be called last in the webhook's section: who tells of payments. */
void section_settle_payments(struct section *section);

#endif
