#include "stripe_signature.h"

enum verdict stripe_signature_check(const char *header, struct slice body, const char *secrets,
                                    int64_t now_s, int64_t tolerance_s)
{
    static const struct signature_scheme stripe = {
        .between = ',', .time = "t", .digest = "v1", .joint = "."};
    return signature_check(&stripe, header, body, secrets, now_s, tolerance_s);
}
