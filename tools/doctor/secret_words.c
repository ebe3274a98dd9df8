#include "secret_words.h"

#include <string.h>

enum { SECRET_CHARS_MIN = 8 }; /* behind a known beginning; shorter is an example */

static bool starts(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Settings that hold nothing but a secret, by their last word. */
static bool is_secret_setting(const char *path)
{
    static const char *const words[] = {"key", "secret", "password", "token"};
    const char *leaf = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(leaf, words[i]) == 0) {
            return true;
        }
    }
    return strcmp(path, "alert/hook/url") == 0;
}

/* How the secrets of providers begin, wherever they stand. */
static bool looks_secret(const char *raw)
{
    static const char *const beginnings[] = {"whsec_",
                                             "whsk_",
                                             "sk_live_",
                                             "sk_test_",
                                             "rk_live_",
                                             "rk_test_",
                                             "pdl_",
                                             "xoxb-",
                                             "xoxp-",
                                             "pat-na1-",
                                             "pat-eu1-",
                                             "-----BEGIN",
                                             "https://hooks.slack.com/services/",
                                             "https://discord.com/api/webhooks/"};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        if (starts(raw, beginnings[i]) && strlen(raw) >= strlen(beginnings[i]) + SECRET_CHARS_MIN) {
            return true;
        }
    }
    return false;
}

/* "scheme://user:password@host" */
static bool has_password(const char *raw)
{
    const char *begin = strstr(raw, "://");
    if (!begin) {
        return false;
    }
    begin += 3;
    size_t host_end = strcspn(begin, "/?#");
    const char *at = memchr(begin, '@', host_end);
    const char *colon = at ? memchr(begin, ':', (size_t)(at - begin)) : NULL;
    return colon && at - colon > 1;
}

bool secret_is_written(const char *path, const char *raw)
{
    if (!*raw || starts(raw, "env:") || starts(raw, "file:")) {
        return false;
    }
    return is_secret_setting(path) || looks_secret(raw) || has_password(raw);
}
