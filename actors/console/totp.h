/* totp.h - the second step of signing in: codes that change every 30 s. Pure.
 *
 * Format     RFC 6238 with HMAC-SHA-1, 30 s, 6 digits, as every authenticator app has it; the secret
 *            is 20 random bytes in base32 (RFC 4648 section 6).
 * Promise    One step of tolerance to both sides; a code counts once: totp_check() gives the step to
 *            remember, and refuses those up to it. */
#ifndef USHER_TOTP_H
#define USHER_TOTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TOTP_SECRET_BYTES = 20, TOTP_SECRET_CHARS = 32, TOTP_DIGITS = 6, TOTP_STEP_S = 30 };

void totp_secret(char secret[TOTP_SECRET_CHARS + 1]);
/* "otpauth://totp/usher:ada?secret=...&issuer=usher"; the caller's. */
char *totp_uri(const char *secret, const char *person);

/* The code of a step. False if the secret is not base32. */
bool totp_code(const char *secret, int64_t step, char code[TOTP_DIGITS + 1]);
/* `last`: the newest step that counted, 0: none; changed when the code is right. */
bool totp_check(const char *secret, const char *code, int64_t now_ms, int64_t *last);

/* For tests: the code of raw key bytes. */
void totp_code_of(const uint8_t *key, size_t len, int64_t step, int digits, char *code);

#endif
