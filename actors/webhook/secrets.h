/* secrets.h - the signing secrets, one a line, in memory.
 *
 * Ownership  What secrets_read() gives is the caller's; secrets_forget() wipes and frees it. */
#ifndef USHER_SECRETS_H
#define USHER_SECRETS_H

#include "settings.h"

/* FAULT_NOT_FOUND if there is none at all. */
enum fault secrets_read(const struct settings *settings, char **secrets) NODISCARD;
/* Safe on NULL. */
void secrets_forget(char **secrets);

#endif
