#include "totp.h"

#include "digest.h"
#include "must.h"

#include <stdio.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

void totp_secret(char secret[TOTP_SECRET_CHARS + 1])
{
    uint8_t dice[TOTP_SECRET_CHARS];
    random_bytes(dice, sizeof dice);
    for (size_t i = 0; i < TOTP_SECRET_CHARS; i++) {
        secret[i] = alphabet[dice[i] & 31]; /* 32 characters of 5 bits: 20 bytes */
    }
    secret[TOTP_SECRET_CHARS] = '\0';
}

static bool decode(const char *secret, uint8_t bytes[TOTP_SECRET_BYTES])
{
    uint32_t bits = 0;
    int held = 0;
    size_t len = 0;
    if (strlen(secret) != TOTP_SECRET_CHARS) {
        return false;
    }
    for (; *secret; secret++) {
        const char *at = strchr(alphabet, *secret);
        if (!at) {
            return false;
        }
        bits = bits << 5 | (uint32_t)(at - alphabet);
        held += 5;
        if (held >= 8) {
            held -= 8;
            bytes[len++] = (uint8_t)(bits >> held);
        }
    }
    return true;
}

char *totp_uri(const char *secret, const char *person)
{
    return must_sprintf("otpauth://totp/usher:%s?secret=%s&issuer=usher", person, secret);
}

void totp_code_of(const uint8_t *key, size_t len, int64_t step, int digits, char *code)
{
    uint8_t counter[8], mac[SHA1_BYTES];
    for (int i = 7; i >= 0; i--) {
        counter[i] = (uint8_t)step;
        step >>= 8;
    }
    struct slice part = {counter, sizeof counter};
    hmac_sha1((struct slice){key, len}, &part, 1, mac);
    const uint8_t *at = mac + (mac[SHA1_BYTES - 1] & 15);
    uint32_t number =
        (uint32_t)(at[0] & 127) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    uint32_t most = 1;
    for (int i = 0; i < digits; i++) {
        most *= 10;
    }
    sprintf(code, "%0*u", digits, number % most);
}

bool totp_code(const char *secret, int64_t step, char code[TOTP_DIGITS + 1])
{
    uint8_t key[TOTP_SECRET_BYTES];
    if (!decode(secret, key)) {
        return false;
    }
    totp_code_of(key, sizeof key, step, TOTP_DIGITS, code);
    return true;
}

bool totp_check(const char *secret, const char *code, int64_t now_ms, int64_t *last)
{
    int64_t now = now_ms / 1000 / TOTP_STEP_S;
    char right[TOTP_DIGITS + 1];
    if (strlen(code) != TOTP_DIGITS) {
        return false;
    }
    for (int64_t step = now - 1; step <= now + 1; step++) {
        if (step > *last && totp_code(secret, step, right) &&
            digest_same(right, code, TOTP_DIGITS)) {
            *last = step;
            return true;
        }
    }
    return false;
}
