#include "passwords.h"

#include "must.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

_Static_assert(PASSWORDS_HASH_BYTES == crypto_pwhash_STRBYTES, "as libsodium writes them");

/* Of ten bytes and more, those that lists of broken passwords begin with. */
static const char *const common[] = {
    "1234567890", "12345678910", "0123456789",   "password123", "password1234", "passwordpassword",
    "qwertyuiop", "1q2w3e4r5t",  "1qaz2wsx3edc", "iloveyou123", "adminadmin",   "administrator",
    "welcome123", "letmein1234", "changeme123",  "football123", "1111111111",   "0000000000"};

const char *passwords_objection(const char *password)
{
    size_t len = strlen(password);
    if (len < PASSWORDS_BYTES_MIN) {
        return "It needs at least 10 characters; a few words are good.";
    }
    if (len > PASSWORDS_BYTES_MAX) {
        return "It is longer than 200 bytes.";
    }
    if (strspn(password, (char[]){password[0], '\0'}) == len) {
        return "One character again and again is guessed at once.";
    }
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        if (strcasecmp(common[i], password) == 0) {
            return "It is among the first that anybody tries.";
        }
    }
    return NULL;
}

void passwords_hash(const char *password, char hash[PASSWORDS_HASH_BYTES])
{
    MUST(sodium_init() >= 0);
    MUST(crypto_pwhash_str(hash, password, strlen(password), PASSWORDS_PASSES,
                           PASSWORDS_MEMORY_BYTES) == 0);
}

bool passwords_match(const char *hash, const char *password)
{
    static char nobodys[PASSWORDS_HASH_BYTES]; /* made once: like a real one, of no password */
    MUST(sodium_init() >= 0);
    if (!hash && !*nobodys) {
        char dice[32];
        randombytes_buf(dice, sizeof dice);
        dice[sizeof dice - 1] = '\0';
        passwords_hash(dice, nobodys);
    }
    bool fits = strlen(password) <= PASSWORDS_BYTES_MAX &&
                crypto_pwhash_str_verify(hash ? hash : nobodys, password, strlen(password)) == 0;
    return fits && hash;
}
