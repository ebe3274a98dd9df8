/* secret_words.h - does a value of usher.cfg look like a secret that stands there openly? Pure.
 *
 * Promise    Goes by the setting's name and by how providers' secrets begin; a value that says
 *            "env:" or "file:" is none.
 * See        tests/unit/doctor/secret_words_test.c */
#ifndef USHER_SECRET_WORDS_H
#define USHER_SECRET_WORDS_H

#include <stdbool.h>

bool secret_is_written(const char *path, const char *raw);

#endif
