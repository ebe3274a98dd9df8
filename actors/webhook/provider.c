#include "provider.h"

#include <string.h>

static const struct payment_provider *const providers[] = {&payment_stripe, NULL};

const struct payment_provider *payment_provider_find(const char *name)
{
    for (size_t i = 0; providers[i]; i++) {
        if (strcmp(providers[i]->name, name) == 0) {
            return providers[i];
        }
    }
    return NULL;
}
