#include "provider.h"

#include "providers.h"

#include <string.h>

#define DECLARE(name) extern const struct provider provider_##name;
#define ADDRESS(name) &provider_##name,
PROVIDERS(DECLARE)
static const struct provider *const providers[] = {PROVIDERS(ADDRESS) NULL};

const struct provider *provider_find(const char *name)
{
    for (size_t i = 0; providers[i]; i++) {
        if (strcmp(providers[i]->name, name) == 0) {
            return providers[i];
        }
    }
    return NULL;
}

const char *post_header(const struct post *post, const char *name, enum verdict *wrong)
{
    const char *value = NULL;
    size_t count = post->headers(post, name, &value, 1);
    *wrong = count == 0 ? VERDICT_MISSING : VERDICT_DOUBLED;
    return count == 1 ? value : NULL;
}
