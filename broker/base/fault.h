/* fault.h - the error algebra: done, try again, never.
 *
 * Use        Functions that meet the world return enum fault; it may not be ignored.
 *            fault_again() tells a temporary fault from a permanent one.
 *            errno and library codes are translated at the one door where the library is used.
 * Exits      EXIT_OK 0 done; EXIT_AGAIN 111 restart me; EXIT_NEVER 100 stay down.
 */
#ifndef USHER_FAULT_H
#define USHER_FAULT_H

#include <stdbool.h>

enum fault {
    OK = 0,
#define X(name, when, words) name,
#include "fault_table.h"
#undef X
    FAULT_COUNT
};

enum { EXIT_OK = 0, EXIT_AGAIN = 111, EXIT_NEVER = 100 };

#define NODISCARD __attribute__((warn_unused_result))

/* Plain words for people and logs; never NULL. */
const char *fault_words(enum fault fault);

/* The name on the wire: lower case, without the prefix ("busy", "too_large"); "ok" for OK. */
const char *fault_name(enum fault fault);

/* The fault of a name on the wire; FAULT_MALFORMED for an unknown one. */
enum fault fault_from_name(const char *name);

/* True for a temporary fault. */
bool fault_again(enum fault fault);

/* The fault of an errno value (never OK). */
enum fault fault_from_errno(int code);

#endif
