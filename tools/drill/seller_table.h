/* seller_table.h - the payment providers that the drill speaks for: X(provider), defined in
 * seller_<provider>.c as `const struct seller seller_<provider>`. */
X(stripe)
X(paddle)
X(lemonsqueezy)
