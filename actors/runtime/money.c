#include "money.h"

#include <string.h>

void money_words(int64_t amount, const char *currency, struct buf *out)
{
    static const char whole[] = "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf";
    char lower[4] = "";
    char upper[4] = "";
    for (int i = 0; i < 3 && currency[i]; i++) {
        lower[i] =
            (char)(currency[i] >= 'A' && currency[i] <= 'Z' ? currency[i] + 32 : currency[i]);
        upper[i] = (char)(lower[i] >= 'a' && lower[i] <= 'z' ? lower[i] - 32 : lower[i]);
    }
    uint64_t size = amount < 0 ? -(uint64_t)amount : (uint64_t)amount;
    const char *sign = amount < 0 ? "-" : "";
    if (strlen(lower) == 3 && strstr(whole, lower)) {
        buf_printf(out, "%s%llu %s", sign, (unsigned long long)size, upper);
    } else {
        buf_printf(out, "%s%llu.%02llu%s%s", sign, (unsigned long long)(size / 100),
                   (unsigned long long)(size % 100), *upper ? " " : "", upper);
    }
}
